//! Round trips, and damaged chunks.

use super::tests::compile;
use crate::bytecode::Instr;
use crate::bytecode::dump::{BadChunk, dump, undump};
use crate::bytecode::verify::verify;
use proptest::prelude::*;

const SOURCE: &str = "local a, t = 1.5, {1, 2, x = 'y', f(...)}
    for i = 1, 10 do if i > 5 and t.x == nil then goto c end t[i] = function() return i, a end ::c:: end
    for k, v in pairs(t) do a = a .. k .. v end
    repeat local q = t:m(a, 9223372036854775807) until not q or q < 2
    return f(a, ...)";

#[test]
fn round_trip() {
    let p = compile(SOURCE).unwrap();
    assert_eq!(undump(&dump(&p, false)), Ok(p.clone()));
    let stripped = undump(&dump(&p, true)).unwrap();
    assert!(stripped.origins.is_empty() && stripped.locals.is_empty());
    assert!(&*stripped.source == b"=?" && stripped.upvals[0].name.is_empty());
    assert_eq!(stripped.code, p.code);
    assert_eq!(dump(&stripped, false), dump(&p, true));
}

#[test]
fn name_hashes_stay_home() {
    let mut p = compile("x = y").unwrap();
    let clean = dump(&p, false);
    let code: Vec<Instr> = p.code.iter().map(|i| i.with_h(i.h() | 0x40)).collect();
    p.code = code.into();
    let n = p.code.len() - 1;
    p.code[n] = p.code[n].with_h(0);
    assert_eq!(dump(&p, false), clean);
}

/// Programs compare the start of a chunk with what the reference writes: signature, version, format, data, sizes.
#[test]
fn the_header_is_that_of_the_reference() {
    let header = b"\x1bLua\x53\0\x19\x93\r\n\x1a\n\x04\x08\x04\x08\x08\x78\x56\0\0\0\0\0\0";
    assert!(dump(&compile(SOURCE).unwrap(), false).starts_with(header));
}

#[test]
fn messages() {
    let good = dump(&compile(SOURCE).unwrap(), false);
    let message = |bytes: &[u8]| undump(bytes).unwrap_err().to_string();
    for n in 0..good.len() {
        assert_eq!(message(&good[..n]), "truncated precompiled chunk", "cut at {n}");
    }
    assert_eq!(message(b"\x1bLux\x53"), "not a precompiled chunk");
    let damaged = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 0x40;
        message(&bytes)
    };
    assert_eq!(damaged(4), "version mismatch in precompiled chunk");
    assert_eq!(damaged(5), "format mismatch in precompiled chunk");
    assert_eq!(damaged(7), "corrupted precompiled chunk");
    assert_eq!(damaged(13), "version mismatch in precompiled chunk");
}

#[test]
fn counts_reserve_nothing() {
    let good = dump(&compile("").unwrap(), true);
    // Right after the frame size: the number of instructions.
    let header = 4 + 2 + 6 + 13 + 6 + 4;
    let at = header + 1 + 1 + 1 + 3;
    let mut bytes = good[..at].to_vec();
    bytes.extend([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]);
    assert_eq!(undump(&bytes), Err(BadChunk("truncated")));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn mutations_never_panic(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let mut bytes = dump(&compile(SOURCE).unwrap(), false);
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(p) = undump(&bytes) {
            prop_assert_eq!(verify(&p), Ok(()));
            let _ = crate::bytecode::disasm::disassemble(&p);
        }
    }

    #[test]
    fn noise_never_panics(noise in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut bytes = dump(&compile("").unwrap(), false)[..16].to_vec();
        bytes.extend(noise);
        let _ = undump(&bytes);
    }
}
