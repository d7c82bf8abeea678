//! What the compiler makes of small statements, written out. `--` separates the functions.

use super::tests::check;

#[test]
fn multiple_assignment() {
    check(
        r#"local a, b
a, b = b, a
a, b = f()
a, b = 1
a, b = 1, 2, 3"#,
        r#"
    0 [1]    LoadNil        R0 2
    1 [2]    Move           R2 R1
    2 [2]    Move           R1 R0
    3 [2]    Move           R0 R2
    4 [3]    GetTabUp       R2 U0 K0          ; _ENV "f"
    5 [3]    Call           R2 1 3
    6 [3]    Move           R1 R3
    7 [3]    Move           R0 R2
    8 [4]    LoadInt        R2 1
    9 [4]    LoadNil        R3 1
   10 [4]    Move           R1 R3
   11 [4]    Move           R0 R2
   12 [5]    LoadInt        R2 1
   13 [5]    LoadInt        R3 2
   14 [5]    LoadInt        R4 3
   15 [5]    Move           R1 R3
   16 [5]    Move           R0 R2
   17 [5]    Return0
"#,
    );
}

#[test]
fn assignment_conflict() {
    check(
        r#"local a, i
a[i], a, i = 1, 2, 3"#,
        r#"
    0 [1]    LoadNil        R0 2
    1 [2]    Move           R2 R0
    2 [2]    Move           R3 R1
    3 [2]    LoadInt        R4 1
    4 [2]    LoadInt        R5 2
    5 [2]    LoadInt        R1 3
    6 [2]    Move           R0 R5
    7 [2]    SetIndex       R2 R3 R4
    8 [2]    Return0
"#,
    );
}

#[test]
fn assignment_conflict_upvalue() {
    check(
        r#"local a
return function() a.x, a = 1, 2 end"#,
        r#"
    0 [1]    LoadNil        R0 1
    1 [2]    Closure        R1 P0             ; <2,2>
    2 [2]    Return         R1 2 H1
    3 [2]    Return         R0 1 H1
--
    0 [2]    GetUpval       R0 U0             ; a
    1 [2]    LoadInt        R1 1
    2 [2]    LoadInt        R2 2
    3 [2]    SetUpval       R2 U0             ; a
    4 [2]    SetField       R0 K0 R1          ; "x"
    5 [2]    Return0
"#,
    );
}

#[test]
fn returns() {
    check(
        r#"local a, b
if a then return end
if b then return a end
if a then return a, b end
if a then return f(), g() end
if a then return (f()) end
return f(a)"#,
        r#"
    0 [1]    LoadNil        R0 2
    1 [2]    JumpIfNot      R0
    2 [2]    Jump           -> 4
    3 [2]    Return0
    4 [3]    JumpIfNot      R1
    5 [3]    Jump           -> 7
    6 [3]    Return1        R0
    7 [4]    JumpIfNot      R0
    8 [4]    Jump           -> 12
    9 [4]    Move           R2 R0
   10 [4]    Move           R3 R1
   11 [4]    Return         R2 3
   12 [5]    JumpIfNot      R0
   13 [5]    Jump           -> 19
   14 [5]    GetTabUp       R2 U0 K0          ; _ENV "f"
   15 [5]    Call           R2 1 2
   16 [5]    GetTabUp       R3 U0 K1          ; _ENV "g"
   17 [5]    Call           R3 1 0
   18 [5]    Return         R2 0
   19 [6]    JumpIfNot      R0
   20 [6]    Jump           -> 24
   21 [6]    GetTabUp       R2 U0 K0          ; _ENV "f"
   22 [6]    Call           R2 1 2
   23 [6]    Return1        R2
   24 [7]    GetTabUp       R2 U0 K0          ; _ENV "f"
   25 [7]    Move           R3 R0
   26 [7]    TailCall       R2 2
   27 [7]    Return         R2 0
   28 [7]    Return0
"#,
    );
}

#[test]
fn returns_close() {
    check(
        r#"local a
do return a end
local function f() return a end
return f()"#,
        r#"
    0 [1]    LoadNil        R0 1
    1 [2]    Return         R0 2 H1
    2 [3]    Closure        R1 P0             ; <3,3>
    3 [4]    Move           R2 R1
    4 [4]    TailCall       R2 1 H1
    5 [4]    Return         R2 0 H1
    6 [4]    Return         R0 1 H1
--
    0 [3]    GetUpval       R0 U0             ; a
    1 [3]    Return1        R0
    2 [3]    Return0
"#,
    );
}

#[test]
fn conditions() {
    check(
        r#"local a, b
if a then b = 1 end
if not a then b = 2 end
if a and not b then b = 3 end
if a or b == nil then b = 4 end
if not (a == b or a < 1) then b = 5 end"#,
        r#"
    0 [1]    LoadNil        R0 2
    1 [2]    JumpIfNot      R0
    2 [2]    Jump           -> 4
    3 [2]    LoadInt        R1 1
    4 [3]    JumpIf         R0
    5 [3]    Jump           -> 7
    6 [3]    LoadInt        R1 2
    7 [4]    JumpIfNot      R0
    8 [4]    Jump           -> 12
    9 [4]    JumpIf         R1
   10 [4]    Jump           -> 12
   11 [4]    LoadInt        R1 3
   12 [5]    JumpIf         R0
   13 [5]    Jump           -> 16
   14 [5]    JumpNeK        R1 K0             ; nil
   15 [5]    Jump           -> 17
   16 [5]    LoadInt        R1 4
   17 [6]    JumpEq         R0 R1
   18 [6]    Jump           -> 22
   19 [6]    JumpLtI        R0 1
   20 [6]    Jump           -> 22
   21 [6]    LoadInt        R1 5
   22 [6]    Return0
"#,
    );
}

#[test]
fn constant_conditions() {
    check(
        r#"local a
if true then a = 1 end
if nil then a = 2 end
if false or a then a = 3 end
while true do a = 4 end"#,
        r#"
    0 [1]    LoadNil        R0 1
    1 [2]    LoadInt        R0 1
    2 [3]    Jump           -> 4
    3 [3]    LoadInt        R0 2
    4 [4]    JumpIfNot      R0
    5 [4]    Jump           -> 7
    6 [4]    LoadInt        R0 3
    7 [5]    LoadInt        R0 4
    8 [5]    JumpBack       -> 7
    9 [5]    Return0
"#,
    );
}

#[test]
fn elseif_chain() {
    check(
        r#"local a
if a == 1 then f()
elseif a == 2 then g()
else h() end"#,
        r#"
    0 [1]    LoadNil        R0 1
    1 [2]    JumpNeK        R0 K0             ; 1
    2 [2]    Jump           -> 6
    3 [2]    GetTabUp       R1 U0 K1          ; _ENV "f"
    4 [2]    Call           R1 1 1
    5 [2]    Jump           -> 13
    6 [3]    JumpNeK        R0 K2             ; 2
    7 [3]    Jump           -> 11
    8 [3]    GetTabUp       R1 U0 K3          ; _ENV "g"
    9 [3]    Call           R1 1 1
   10 [3]    Jump           -> 13
   11 [4]    GetTabUp       R1 U0 K4          ; _ENV "h"
   12 [4]    Call           R1 1 1
   13 [4]    Return0
"#,
    );
}

#[test]
fn while_loop() {
    check(
        r#"local a, b
while a < b do
  a = a + 1
  if a == 5 then break end
end"#,
        r#"
    0 [1]    LoadNil        R0 2
    1 [2]    JumpNotLt      R0 R1
    2 [2]    Jump           -> 7
    3 [3]    AddI           R0 R0 1
    4 [4]    JumpEqK        R0 K0             ; 5
    5 [4]    Jump           -> 7
    6 [4]    JumpBack       -> 1
    7 [5]    Return0
"#,
    );
}

#[test]
fn repeat_loop() {
    check(
        r#"local a
repeat a = a + 1 until a > 10
repeat f() until false
repeat f() until 1"#,
        r#"
    0 [1]    LoadNil        R0 1
    1 [2]    AddI           R0 R0 1
    2 [2]    JumpGtI        R0 10
    3 [2]    Jump           -> 5
    4 [2]    JumpBack       -> 1
    5 [3]    GetTabUp       R1 U0 K0          ; _ENV "f"
    6 [3]    Call           R1 1 1
    7 [3]    JumpBack       -> 5
    8 [4]    GetTabUp       R1 U0 K0          ; _ENV "f"
    9 [4]    Call           R1 1 1
   10 [4]    Return0
"#,
    );
}

#[test]
fn repeat_captured() {
    check(
        r#"repeat
  local a = f()
  g(function() return a end)
until a"#,
        r#"
    0 [2]    GetTabUp       R0 U0 K0          ; _ENV "f"
    1 [2]    Call           R0 1 2
    2 [3]    GetTabUp       R1 U0 K1          ; _ENV "g"
    3 [3]    Closure        R2 P0             ; <3,3>
    4 [3]    Call           R1 2 1
    5 [4]    JumpIf         R0
    6 [4]    Jump           -> 9
    7 [4]    Close          R0
    8 [4]    JumpBack       -> 0
    9 [4]    Close          R0
   10 [4]    Return         R0 1 H1
--
    0 [3]    GetUpval       R0 U0             ; a
    1 [3]    Return1        R0
    2 [3]    Return0
"#,
    );
}

#[test]
fn numeric_for() {
    check(
        r#"for i = 1, 10 do f(i) end
local a
for i = a, 1, -1 do end"#,
        r#"
    0 [1]    LoadInt        R0 1
    1 [1]    LoadInt        R1 10
    2 [1]    LoadInt        R2 1
    3 [1]    ForPrep        R0 -> 8
    4 [1]    GetTabUp       R4 U0 K0          ; _ENV "f"
    5 [1]    Move           R5 R3
    6 [1]    Call           R4 2 1
    7 [1]    ForLoop        R0 -> 4
    8 [2]    LoadNil        R0 1
    9 [3]    Move           R1 R0
   10 [3]    LoadInt        R2 1
   11 [3]    LoadInt        R3 -1
   12 [3]    ForPrep        R1 -> 14
   13 [3]    ForLoop        R1 -> 13
   14 [3]    Return0
"#,
    );
}

#[test]
fn numeric_for_captured() {
    check(
        r#"for i = 1, 3 do
  f(function() return i end)
  if g() then break end
  h()
end"#,
        r#"
    0 [1]    LoadInt        R0 1
    1 [1]    LoadInt        R1 3
    2 [1]    LoadInt        R2 1
    3 [1]    ForPrep        R0 -> 17
    4 [2]    GetTabUp       R4 U0 K0          ; _ENV "f"
    5 [2]    Closure        R5 P0             ; <2,2>
    6 [2]    Call           R4 2 1
    7 [3]    GetTabUp       R4 U0 K1          ; _ENV "g"
    8 [3]    Call           R4 1 2
    9 [3]    JumpIfNot      R4
   10 [3]    Jump           -> 13
   11 [3]    Close          R3
   12 [3]    Jump           -> 17
   13 [4]    GetTabUp       R4 U0 K2          ; _ENV "h"
   14 [4]    Call           R4 1 1
   15 [4]    Close          R3
   16 [1]    ForLoop        R0 -> 4
   17 [5]    Return         R0 1 H1
--
    0 [2]    GetUpval       R0 U0             ; i
    1 [2]    Return1        R0
    2 [2]    Return0
"#,
    );
}

#[test]
fn generic_for() {
    check(
        r#"for k, v in pairs(t) do f(k, v) end
local n, s, c
for x in n, s, c, 4 do end"#,
        r#"
    0 [1]    GetTabUp       R0 U0 K0          ; _ENV "pairs"
    1 [1]    GetTabUp       R1 U0 K1          ; _ENV "t"
    2 [1]    Call           R0 2 4
    3 [1]    Jump           -> 8
    4 [1]    GetTabUp       R5 U0 K2          ; _ENV "f"
    5 [1]    Move           R6 R3
    6 [1]    Move           R7 R4
    7 [1]    Call           R5 3 1
    8 [1]    GenericCall    R0 2
    9 [1]    GenericLoop    R0 -> 4
   10 [2]    LoadNil        R0 3
   11 [3]    Move           R3 R0
   12 [3]    Move           R4 R1
   13 [3]    Move           R5 R2
   14 [3]    LoadInt        R6 4
   15 [3]    Jump           -> 16
   16 [3]    GenericCall    R3 1
   17 [3]    GenericLoop    R3 -> 16
   18 [3]    Return0
"#,
    );
}

#[test]
fn goto_continue() {
    check(
        r#"for i = 1, 3 do
  local x = i
  if x then goto continue end
  f(function() return x end)
  ::continue::
end"#,
        r#"
    0 [1]    LoadInt        R0 1
    1 [1]    LoadInt        R1 3
    2 [1]    LoadInt        R2 1
    3 [1]    ForPrep        R0 -> 12
    4 [2]    Move           R4 R3
    5 [3]    JumpIf         R4
    6 [3]    Jump           -> 10
    7 [4]    GetTabUp       R5 U0 K0          ; _ENV "f"
    8 [4]    Closure        R6 P0             ; <4,4>
    9 [4]    Call           R5 2 1
   10 [5]    Close          R4
   11 [1]    ForLoop        R0 -> 4
   12 [6]    Return         R0 1 H1
--
    0 [4]    GetUpval       R0 U0             ; x
    1 [4]    Return1        R0
    2 [4]    Return0
"#,
    );
}

#[test]
fn goto_back() {
    check(
        r#"local n = 0
::top::
n = n + 1
if n < 3 then goto top end"#,
        r#"
    0 [1]    LoadInt        R0 0
    1 [3]    AddI           R0 R0 1
    2 [4]    JumpNotLtI     R0 3
    3 [4]    Jump           -> 5
    4 [4]    JumpBack       -> 1
    5 [4]    Return0
"#,
    );
}

#[test]
fn goto_back_late_capture() {
    check(
        r#"::top::
local x = f()
if x then goto top end
g(function() return x end)"#,
        r#"
    0 [2]    GetTabUp       R0 U0 K0          ; _ENV "f"
    1 [2]    Call           R0 1 2
    2 [3]    JumpIfNot      R0
    3 [3]    Jump           -> 5
    4 [3]    Jump           -> 9
    5 [4]    GetTabUp       R1 U0 K1          ; _ENV "g"
    6 [4]    Closure        R2 P0             ; <4,4>
    7 [4]    Call           R1 2 1
    8 [4]    Return         R0 1 H1
    9 [3]    Close          R0
   10 [3]    JumpBack       -> 0
--
    0 [4]    GetUpval       R0 U0             ; x
    1 [4]    Return1        R0
    2 [4]    Return0
"#,
    );
}

#[test]
fn goto_out_late_capture() {
    check(
        r#"do
  local x
  ::again::
  if x then goto out end
  g(function() return x end)
  goto again
end
::out:: f()"#,
        r#"
    0 [2]    LoadNil        R0 1
    1 [4]    JumpIf         R0
    2 [4]    Jump           -> 7
    3 [5]    GetTabUp       R1 U0 K0          ; _ENV "g"
    4 [5]    Closure        R2 P0             ; <5,5>
    5 [5]    Call           R1 2 1
    6 [5]    JumpBack       -> 1
    7 [7]    Close          R0
    8 [8]    GetTabUp       R0 U0 K1          ; _ENV "f"
    9 [8]    Call           R0 1 1
   10 [8]    Return         R0 1 H1
--
    0 [5]    GetUpval       R0 U0             ; x
    1 [5]    Return1        R0
    2 [5]    Return0
"#,
    );
}

#[test]
fn break_known_capture() {
    check(
        r#"while a do
  local x
  g(function() return x end)
  if x then break end
end"#,
        r#"
    0 [1]    GetTabUp       R0 U0 K0          ; _ENV "a"
    1 [1]    JumpIfNot      R0
    2 [1]    Jump           -> 13
    3 [2]    LoadNil        R0 1
    4 [3]    GetTabUp       R1 U0 K1          ; _ENV "g"
    5 [3]    Closure        R2 P0             ; <3,3>
    6 [3]    Call           R1 2 1
    7 [4]    JumpIfNot      R0
    8 [4]    Jump           -> 11
    9 [4]    Close          R0
   10 [4]    Jump           -> 13
   11 [4]    Close          R0
   12 [4]    JumpBack       -> 0
   13 [5]    Return         R0 1 H1
--
    0 [3]    GetUpval       R0 U0             ; x
    1 [3]    Return1        R0
    2 [3]    Return0
"#,
    );
}

#[test]
fn local_function() {
    check(
        r#"local function f(n) return f(n - 1) end
local g = function(...) return ... end"#,
        r#"
    0 [1]    Closure        R0 P0             ; <1,1>
    1 [2]    Closure        R1 P1             ; <2,2>
    2 [2]    Return         R0 1 H1
--
    0 [1]    GetUpval       R1 U0             ; f
    1 [1]    AddI           R2 R0 -1 H2
    2 [1]    TailCall       R1 2
    3 [1]    Return         R1 0
    4 [1]    Return0
--
    0 [2]    Vararg         R0 0
    1 [2]    Return         R0 0
    2 [2]    Return0
"#,
    );
}

#[test]
fn function_statements() {
    check(
        r#"local t
function f() end
function t.a.b() end
function t:m(x) return self end"#,
        r#"
    0 [1]    LoadNil        R0 1
    1 [2]    Closure        R1 P0             ; <2,2>
    2 [2]    SetTabUp       R1 U0 K0          ; _ENV "f"
    3 [3]    GetField       R1 R0 K1          ; "a"
    4 [3]    Closure        R2 P1             ; <3,3>
    5 [3]    SetField       R1 K2 R2          ; "b"
    6 [4]    Closure        R1 P2             ; <4,4>
    7 [4]    SetField       R0 K3 R1          ; "m"
    8 [4]    Return0
--
    0 [2]    Return0
--
    0 [3]    Return0
--
    0 [4]    Return1        R0
    1 [4]    Return0
"#,
    );
}

#[test]
fn nested_upvalues() {
    check(
        r#"local a
return function() return function() a = a + 1 end end"#,
        r#"
    0 [1]    LoadNil        R0 1
    1 [2]    Closure        R1 P0             ; <2,2>
    2 [2]    Return         R1 2 H1
    3 [2]    Return         R0 1 H1
--
    0 [2]    Closure        R0 P0             ; <2,2>
    1 [2]    Return1        R0
    2 [2]    Return0
--
    0 [2]    GetUpval       R0 U0             ; a
    1 [2]    AddI           R0 R0 1
    2 [2]    SetUpval       R0 U0             ; a
    3 [2]    Return0
"#,
    );
}

#[test]
fn local_env() {
    check(
        r#"local _ENV = {}
x = y
return function() z = x end"#,
        r#"
    0 [1]    NewTable       R0 0 0
    1 [2]    GetField       R1 R0 K1          ; "y"
    2 [2]    SetField       R0 K0 R1          ; "x"
    3 [3]    Closure        R1 P0             ; <3,3>
    4 [3]    Return         R1 2 H1
    5 [3]    Return         R0 1 H1
--
    0 [3]    GetTabUp       R0 U0 K1          ; _ENV "x"
    1 [3]    SetTabUp       R0 U0 K0          ; _ENV "z"
    2 [3]    Return0
"#,
    );
}
