//! What the compiler makes of small expressions, written out. `--` separates the functions.

use super::tests::check;

#[test]
fn locals_in_place() {
    check(
        r#"local a, b = 1, 2
local c = a
a = b"#,
        r#"
    0 [1]    LoadInt        R0 1
    1 [1]    LoadInt        R1 2
    2 [2]    Move           R2 R0
    3 [3]    Move           R0 R1
    4 [3]    Return0
"#,
    );
}

#[test]
fn nil_loads_merge() {
    check(
        r#"local a, b
local c
local d = nil"#,
        r#"
    0 [1]    LoadNil        R0 4
    1 [3]    Return0
"#,
    );
}

#[test]
fn constants() {
    check(
        r#"local a, b, c, d = 2147483647, 2147483648, 1.5, 'x'
local e, f = true, false"#,
        r#"
    0 [1]    LoadInt        R0 2147483647
    1 [1]    LoadK          R1 K0             ; 2147483648
    2 [1]    LoadK          R2 K1             ; 1.5
    3 [1]    LoadK          R3 K2             ; "x"
    4 [2]    LoadTrue       R4
    5 [2]    LoadFalse      R5
    6 [2]    Return0
"#,
    );
}

#[test]
fn add_forms() {
    check(
        r#"local a
local b = a + 1
b = 1 + a
b = a - 1
b = a - 0
b = a + 1.5
b = 1.5 + a
b = a + 40000
b = a - -32768"#,
        r#"
    0 [1]    LoadNil        R0 1
    1 [2]    AddI           R1 R0 1
    2 [3]    AddI           R1 R0 1 H1
    3 [4]    AddI           R1 R0 -1 H2
    4 [5]    SubK           R1 R0 K0          ; 0
    5 [6]    AddK           R1 R0 K1          ; 1.5
    6 [7]    AddK           R1 R0 K1 H1       ; 1.5
    7 [8]    AddK           R1 R0 K2          ; 40000
    8 [9]    SubK           R1 R0 K3          ; -32768
    9 [9]    Return0
"#,
    );
}

#[test]
fn constant_left() {
    check(
        r#"local a
local b = 2 - a
b = 2 / a
b = 2 ^ a
b = 2 * a
b = 2 // a
b = 2 % a
b = 6 & a"#,
        r#"
    0 [1]    LoadNil        R0 1
    1 [2]    KSub           R1 R0 K0          ; 2
    2 [3]    KDiv           R1 R0 K0          ; 2
    3 [4]    KPow           R1 R0 K0          ; 2
    4 [5]    MulK           R1 R0 K0 H1       ; 2
    5 [6]    LoadInt        R2 2
    6 [6]    IDiv           R1 R2 R0
    7 [7]    LoadInt        R2 2
    8 [7]    Mod            R1 R2 R0
    9 [8]    BAndK          R1 R0 K1 H1       ; 6
   10 [8]    Return0
"#,
    );
}

#[test]
fn shifts() {
    check(
        r#"local a
local b = a << 2
b = a >> 2
b = 2 << a
b = a << a"#,
        r#"
    0 [1]    LoadNil        R0 1
    1 [2]    ShlI           R1 R0 2
    2 [3]    ShlI           R1 R0 -2 H1
    3 [4]    LoadInt        R2 2
    4 [4]    Shl            R1 R2 R0
    5 [5]    Shl            R1 R0 R0
    6 [5]    Return0
"#,
    );
}

#[test]
fn folding() {
    check(
        r#"local a = 1 + 2 * 3 ^ 2
a = -2 // 1
a = 1 // 0
a = ~0 & 0xff
a = not nil
a = not 1
a = 0.0 * -1
a = 'x' .. 'y'"#,
        r#"
    0 [1]    LoadK          R0 K0             ; 19.0
    1 [2]    LoadInt        R0 -2
    2 [3]    LoadInt        R1 1
    3 [3]    IDivK          R0 R1 K1          ; 0
    4 [4]    LoadInt        R0 255
    5 [5]    LoadTrue       R0
    6 [6]    LoadFalse      R0
    7 [7]    LoadK          R1 K3             ; 0.0
    8 [7]    MulK           R0 R1 K2          ; -1
    9 [8]    LoadK          R1 K4             ; "x"
   10 [8]    LoadK          R2 K5             ; "y"
   11 [8]    Concat         R0 R1 2
   12 [8]    Return0
"#,
    );
}

#[test]
fn unary() {
    check(
        r#"local a
local b = -a
b = ~a
b = not a
b = #a"#,
        r#"
    0 [1]    LoadNil        R0 1
    1 [2]    Neg            R1 R0
    2 [3]    BNot           R1 R0
    3 [4]    Not            R1 R0
    4 [5]    Len            R1 R0
    5 [5]    Return0
"#,
    );
}

#[test]
fn concat_chain() {
    check(
        r#"local a, b
local c = a .. 'x' .. b .. (a .. b)
c = (a .. b) .. c"#,
        r#"
    0 [1]    LoadNil        R0 2
    1 [2]    Move           R2 R0
    2 [2]    LoadK          R3 K0             ; "x"
    3 [2]    Move           R4 R1
    4 [2]    Move           R5 R0
    5 [2]    Move           R6 R1
    6 [2]    Concat         R2 R2 5
    7 [3]    Move           R3 R0
    8 [3]    Move           R4 R1
    9 [3]    Concat         R3 R3 2
   10 [3]    Move           R4 R2
   11 [3]    Concat         R2 R3 2
   12 [3]    Return0
"#,
    );
}

#[test]
fn fields() {
    check(
        r#"local t
t.x = t.y
t.x = 1
t.x = nil
t[1] = t[65535]
t[65536] = t[-1]
t[t] = t[1.5]
t[t] = 'k'"#,
        r#"
    0 [1]    LoadNil        R0 1
    1 [2]    GetField       R1 R0 K1          ; "y"
    2 [2]    SetField       R0 K0 R1          ; "x"
    3 [3]    SetFieldK      R0 K0 K2          ; "x" 1
    4 [4]    SetFieldK      R0 K0 K3          ; "x" nil
    5 [5]    GetInt         R1 R0 65535
    6 [5]    SetInt         R0 1 R1
    7 [6]    LoadInt        R1 65536
    8 [6]    LoadInt        R2 -1
    9 [6]    GetIndex       R2 R0 R2
   10 [6]    SetIndex       R0 R1 R2
   11 [7]    LoadK          R1 K4             ; 1.5
   12 [7]    GetIndex       R1 R0 R1
   13 [7]    SetIndex       R0 R0 R1
   14 [8]    SetIndexK      R0 R0 K5          ; "k"
   15 [8]    Return0
"#,
    );
}

#[test]
fn globals() {
    check(
        r#"x = y
x.y = z.w
x = nil"#,
        r#"
    0 [1]    GetTabUp       R0 U0 K1          ; _ENV "y"
    1 [1]    SetTabUp       R0 U0 K0          ; _ENV "x"
    2 [2]    GetTabUp       R0 U0 K0          ; _ENV "x"
    3 [2]    GetTabUp       R1 U0 K2          ; _ENV "z"
    4 [2]    GetField       R1 R1 K3          ; "w"
    5 [2]    SetField       R0 K1 R1          ; "y"
    6 [3]    LoadNil        R0 1
    7 [3]    SetTabUp       R0 U0 K0          ; _ENV "x"
    8 [3]    Return0
"#,
    );
}

#[test]
fn upvalue_index() {
    check(
        r#"local t, k
return function() t.x = t.y; t[k()] = t[1] + t[k] end"#,
        r#"
    0 [1]    LoadNil        R0 2
    1 [2]    Closure        R2 P0             ; <2,2>
    2 [2]    Return         R2 2 H1
    3 [2]    Return         R0 1 H1
--
    0 [2]    GetTabUp       R0 U0 K1          ; t "y"
    1 [2]    SetTabUp       R0 U0 K0          ; t "x"
    2 [2]    GetUpval       R0 U1             ; k
    3 [2]    Call           R0 1 2
    4 [2]    GetUpval       R1 U0             ; t
    5 [2]    GetInt         R1 R1 1
    6 [2]    GetUpval       R2 U1             ; k
    7 [2]    GetUpIndex     R2 U0 R2          ; t
    8 [2]    Add            R1 R1 R2
    9 [2]    GetUpval       R2 U0             ; t
   10 [2]    SetIndex       R2 R0 R1
   11 [2]    Return0
"#,
    );
}

#[test]
fn calls() {
    check(
        r#"f()
f(1, g())
local a = f(g(), ...)
local b, c = f(a)
local d = (f())"#,
        r#"
    0 [1]    GetTabUp       R0 U0 K0          ; _ENV "f"
    1 [1]    Call           R0 1 1
    2 [2]    GetTabUp       R0 U0 K0          ; _ENV "f"
    3 [2]    LoadInt        R1 1
    4 [2]    GetTabUp       R2 U0 K1          ; _ENV "g"
    5 [2]    Call           R2 1 0
    6 [2]    Call           R0 0 1
    7 [3]    GetTabUp       R0 U0 K0          ; _ENV "f"
    8 [3]    GetTabUp       R1 U0 K1          ; _ENV "g"
    9 [3]    Call           R1 1 2
   10 [3]    Vararg         R2 0
   11 [3]    Call           R0 0 2
   12 [4]    GetTabUp       R1 U0 K0          ; _ENV "f"
   13 [4]    Move           R2 R0
   14 [4]    Call           R1 2 3
   15 [5]    GetTabUp       R3 U0 K0          ; _ENV "f"
   16 [5]    Call           R3 1 2
   17 [5]    Return0
"#,
    );
}

#[test]
fn methods() {
    check(
        r#"local o
o:m(1)
return o.p:m(...)"#,
        r#"
    0 [1]    LoadNil        R0 1
    1 [2]    Method         R1 R0 K0          ; "m"
    2 [2]    LoadInt        R3 1
    3 [2]    Call           R1 3 1
    4 [3]    GetField       R1 R0 K1          ; "p"
    5 [3]    Method         R1 R1 K0          ; "m"
    6 [3]    Vararg         R3 0
    7 [3]    TailCall       R1 0
    8 [3]    Return         R1 0
    9 [3]    Return0
"#,
    );
}

#[test]
fn varargs() {
    check(
        r#"local a, b = ...
local t = {...}
f(a, ...)
local c = ...
return ..."#,
        r#"
    0 [1]    Vararg         R0 3
    1 [2]    NewTable       R2 0 0
    2 [2]    Vararg         R3 0
    3 [2]    SetList        R2 0
    4 [2]    Extra          0
    5 [3]    GetTabUp       R3 U0 K0          ; _ENV "f"
    6 [3]    Move           R4 R0
    7 [3]    Vararg         R5 0
    8 [3]    Call           R3 0 1
    9 [4]    Vararg         R3 2
   10 [5]    Vararg         R4 0
   11 [5]    Return         R4 0
   12 [5]    Return0
"#,
    );
}

#[test]
fn and_or_values() {
    check(
        r#"local a, b
local c = a and b
c = a or b
c = a and b or c
c = a == 1 and b
c = not (a and b)
c = (a or b).x"#,
        r#"
    0 [1]    LoadNil        R0 2
    1 [2]    SetJumpIfNot   R2 R0
    2 [2]    Jump           -> 4
    3 [2]    Move           R2 R1
    4 [3]    SetJumpIf      R2 R0
    5 [3]    Jump           -> 7
    6 [3]    Move           R2 R1
    7 [4]    JumpIfNot      R0
    8 [4]    Jump           -> 11
    9 [4]    SetJumpIf      R2 R1
   10 [4]    Jump           -> 11
   11 [5]    JumpNeK        R0 K0             ; 1
   12 [5]    Jump           -> 15
   13 [5]    Move           R2 R1
   14 [5]    Jump           -> 17
   15 [5]    LoadFalseSkip  R2
   16 [5]    LoadTrue       R2
   17 [6]    JumpIfNot      R0
   18 [6]    Jump           -> 22
   19 [6]    Not            R2 R1
   20 [6]    Jump           -> 23
   21 [6]    LoadFalseSkip  R2
   22 [6]    LoadTrue       R2
   23 [7]    SetJumpIf      R3 R0
   24 [7]    Jump           -> 26
   25 [7]    Move           R3 R1
   26 [7]    GetField       R2 R3 K1          ; "x"
   27 [7]    Return0
"#,
    );
}

#[test]
fn false_and() {
    check(
        r#"local a, b, x
x = (a == 1 or b) and false
x = (a or true) and false and b
x = nil and a
x = 1 or a"#,
        r#"
    0 [1]    LoadNil        R0 3
    1 [2]    JumpEqK        R0 K0             ; 1
    2 [2]    Jump           -> 5
    3 [2]    SetJumpIfNot   R2 R1
    4 [2]    Jump           -> 6
    5 [2]    LoadFalse      R2
    6 [3]    JumpIf         R0
    7 [3]    Jump           -> 8
    8 [3]    Jump           -> 11
    9 [3]    Move           R2 R1
   10 [3]    Jump           -> 13
   11 [3]    LoadFalseSkip  R2
   12 [3]    LoadTrue       R2
   13 [4]    LoadNil        R3 1
   14 [4]    SetJumpIfNot   R2 R3
   15 [4]    Jump           -> 17
   16 [4]    Move           R2 R0
   17 [5]    LoadInt        R3 1
   18 [5]    SetJumpIf      R2 R3
   19 [5]    Jump           -> 21
   20 [5]    Move           R2 R0
   21 [5]    Return0
"#,
    );
}

#[test]
fn comparison_values() {
    check(
        r#"local a, b
local c = a < b
c = a ~= b
c = a > b
c = not (a <= b)"#,
        r#"
    0 [1]    LoadNil        R0 2
    1 [2]    JumpLt         R0 R1
    2 [2]    Jump           -> 4
    3 [2]    LoadFalseSkip  R2
    4 [2]    LoadTrue       R2
    5 [3]    JumpNe         R0 R1
    6 [3]    Jump           -> 8
    7 [3]    LoadFalseSkip  R2
    8 [3]    LoadTrue       R2
    9 [4]    JumpLt         R1 R0
   10 [4]    Jump           -> 12
   11 [4]    LoadFalseSkip  R2
   12 [4]    LoadTrue       R2
   13 [5]    JumpNotLe      R0 R1
   14 [5]    Jump           -> 16
   15 [5]    LoadFalseSkip  R2
   16 [5]    LoadTrue       R2
   17 [5]    Return0
"#,
    );
}

#[test]
fn immediate_comparisons() {
    check(
        r#"local a
if a < 1 then f() end
if a > 1 then f() end
if 1 < a then f() end
if 1 >= a then f() end
if a <= 2.0 then f() end
if a < 2.5 then f() end
if 1 < 2 then f() end
if a >= 40000 then f() end"#,
        r#"
    0 [1]    LoadNil        R0 1
    1 [2]    JumpNotLtI     R0 1
    2 [2]    Jump           -> 5
    3 [2]    GetTabUp       R1 U0 K0          ; _ENV "f"
    4 [2]    Call           R1 1 1
    5 [3]    JumpNotGtI     R0 1
    6 [3]    Jump           -> 9
    7 [3]    GetTabUp       R1 U0 K0          ; _ENV "f"
    8 [3]    Call           R1 1 1
    9 [4]    JumpNotGtI     R0 1
   10 [4]    Jump           -> 13
   11 [4]    GetTabUp       R1 U0 K0          ; _ENV "f"
   12 [4]    Call           R1 1 1
   13 [5]    JumpNotLeI     R0 1
   14 [5]    Jump           -> 17
   15 [5]    GetTabUp       R1 U0 K0          ; _ENV "f"
   16 [5]    Call           R1 1 1
   17 [6]    JumpNotLeI     R0 2 H1
   18 [6]    Jump           -> 21
   19 [6]    GetTabUp       R1 U0 K0          ; _ENV "f"
   20 [6]    Call           R1 1 1
   21 [7]    LoadK          R1 K1             ; 2.5
   22 [7]    JumpNotLt      R0 R1
   23 [7]    Jump           -> 26
   24 [7]    GetTabUp       R1 U0 K0          ; _ENV "f"
   25 [7]    Call           R1 1 1
   26 [8]    LoadInt        R1 1
   27 [8]    JumpNotLtI     R1 2
   28 [8]    Jump           -> 31
   29 [8]    GetTabUp       R1 U0 K0          ; _ENV "f"
   30 [8]    Call           R1 1 1
   31 [9]    LoadInt        R1 40000
   32 [9]    JumpNotLe      R1 R0
   33 [9]    Jump           -> 36
   34 [9]    GetTabUp       R1 U0 K0          ; _ENV "f"
   35 [9]    Call           R1 1 1
   36 [9]    Return0
"#,
    );
}

#[test]
fn constant_equality() {
    check(
        r#"local a
if a == 'x' then f() end
if nil ~= a then f() end
if a == 1.5 then f() end
if 1 == 1 then f() end"#,
        r#"
    0 [1]    LoadNil        R0 1
    1 [2]    JumpNeK        R0 K0             ; "x"
    2 [2]    Jump           -> 5
    3 [2]    GetTabUp       R1 U0 K1          ; _ENV "f"
    4 [2]    Call           R1 1 1
    5 [3]    JumpEqK        R0 K2 H1          ; nil
    6 [3]    Jump           -> 9
    7 [3]    GetTabUp       R1 U0 K1          ; _ENV "f"
    8 [3]    Call           R1 1 1
    9 [4]    JumpNeK        R0 K3             ; 1.5
   10 [4]    Jump           -> 13
   11 [4]    GetTabUp       R1 U0 K1          ; _ENV "f"
   12 [4]    Call           R1 1 1
   13 [5]    LoadInt        R1 1
   14 [5]    JumpNeK        R1 K4             ; 1
   15 [5]    Jump           -> 18
   16 [5]    GetTabUp       R1 U0 K1          ; _ENV "f"
   17 [5]    Call           R1 1 1
   18 [5]    Return0
"#,
    );
}

#[test]
fn table_constructor() {
    check(
        r#"local a
local t = {1, 'x', a; y = a, z = 1, [a] = 2, [3] = a, [4] = f(), f()}
t = {}
t = {f(), (f())}"#,
        r#"
    0 [1]    LoadNil        R0 1
    1 [2]    NewTable       R1 3 5
    2 [2]    LoadInt        R2 1
    3 [2]    LoadK          R3 K0             ; "x"
    4 [2]    Move           R4 R0
    5 [2]    SetField       R1 K1 R0          ; "y"
    6 [2]    SetFieldK      R1 K2 K3          ; "z" 1
    7 [2]    SetIndexK      R1 R0 K4          ; 2
    8 [2]    SetInt         R1 3 R0
    9 [2]    GetTabUp       R5 U0 K5          ; _ENV "f"
   10 [2]    Call           R5 1 2
   11 [2]    SetInt         R1 4 R5
   12 [2]    GetTabUp       R5 U0 K5          ; _ENV "f"
   13 [2]    Call           R5 1 0
   14 [2]    SetList        R1 0
   15 [2]    Extra          0
   16 [3]    NewTable       R2 0 0
   17 [3]    Move           R1 R2
   18 [4]    NewTable       R2 2 0
   19 [4]    GetTabUp       R3 U0 K5          ; _ENV "f"
   20 [4]    Call           R3 1 2
   21 [4]    GetTabUp       R4 U0 K5          ; _ENV "f"
   22 [4]    Call           R4 1 2
   23 [4]    SetList        R2 2
   24 [4]    Extra          0
   25 [4]    Move           R1 R2
   26 [4]    Return0
"#,
    );
}

#[test]
fn casts() {
    check(
        r#"local a: number = f() as number
local b = (f())!
local c = a :: string
return g(...)!"#,
        r#"
    0 [1]    GetTabUp       R0 U0 K0          ; _ENV "f"
    1 [1]    Call           R0 1 2
    2 [2]    GetTabUp       R1 U0 K0          ; _ENV "f"
    3 [2]    Call           R1 1 2
    4 [3]    Move           R2 R0
    5 [4]    GetTabUp       R3 U0 K1          ; _ENV "g"
    6 [4]    Vararg         R4 0
    7 [4]    Call           R3 0 2
    8 [4]    Return1        R3
    9 [4]    Return0
"#,
    );
}
