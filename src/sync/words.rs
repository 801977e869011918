//! Copies between memory that others use at the same time and memory of one's own.
//!
//! A copy is a number of relaxed atomic accesses in no particular order: it races with nobody, and what it brings may be
//! a mixture of what was stored at different times. Whoever copies finds out afterwards whether it was
//! (`protocol/seqlock`).
//!
//! On x86-64 the accesses are instructions of up to 32 bytes in assembly. To Rust's memory model, where assembly does
//! what some Rust code could have done, they are relaxed loads and stores of `AtomicU8`, one for each byte: the least that
//! any access of this hardware is, at any width and alignment, so that nothing is assumed of it beyond that. Elsewhere
//! they are those of `AtomicU64`, of the whole aligned words that the bytes lie in. Either way all accesses to one
//! value are of one size, as the model demands of accesses that race. The assembly is never `pure`: so the compiler takes it
//! for something with effects, and moves it across no fence.

#![allow(
    unsafe_code,
    reason = "accesses memory at addresses that the caller vouches for, on x86-64 by assembly"
)]

#[cfg(all(target_arch = "x86_64", not(miri)))]
pub(crate) use wide::{load, store};
#[cfg(not(all(target_arch = "x86_64", not(miri))))]
pub(crate) use worded::{load, store};

/// Bytes of a step of the assembly, and from one crash point of a copy to the next: a cache line.
const BLOCK: usize = 64;

/// From so many bytes on a copy is made of blocks, from memory to memory. A smaller value is often in registers, or
/// was stored by parts a moment ago: to load that by wider instructions waits until the stores are done.
pub(crate) const LARGE: usize = 512;

/// Has the line of that address brought here to be written soon. A hint on x86-64, nothing elsewhere.
///
/// Not the intrinsic, which brings a line to be read only, unless the whole program is compiled for processors that are
/// known to have this instruction. The others take it for nothing.
#[inline(always)]
pub(crate) fn prefetch_to_write(line: *const u8) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: a prefetch reads and writes nothing, whatever the address.
    unsafe {
        std::arch::asm!("prefetchw [{line}]", line = in(reg) line, options(nostack, preserves_flags, readonly));
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    let _ = line;
}

/// Has the line of that address brought here to be read soon. A hint on x86-64, nothing elsewhere.
#[inline(always)]
pub(crate) fn prefetch_to_read(line: *const u8) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: a prefetch reads and writes nothing, whatever the address.
    unsafe {
        std::arch::asm!("prefetcht0 [{line}]", line = in(reg) line, options(nostack, preserves_flags, readonly));
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    let _ = line;
}

/// By instructions as wide as the processor has them.
#[cfg(all(target_arch = "x86_64", not(miri)))]
mod wide {
    use std::arch::asm;
    use std::arch::is_x86_feature_detected;
    use std::arch::x86_64::__m128i;

    use super::{BLOCK, LARGE};
    use crate::sync::crash_point;

    /// Up to so many bytes a value is stored word by word, for the same reason.
    const SMALL: usize = 24;

    /// Copies `len` bytes at `from`, which others may be writing, to `to`.
    ///
    /// # Safety
    ///
    /// 1. The whole aligned words of 8 bytes that the bytes at `from` lie in are readable. While somebody may write them
    ///    they are accessed through this module only.
    /// 2. The bytes at `to` are this caller's alone, and writable.
    #[inline(always)]
    pub(crate) unsafe fn load(from: *const u8, to: *mut u8, len: usize) {
        let mut at = 0;
        if len >= LARGE {
            // Stores across two cache lines take twice as long, and a value of one's own may lie anywhere: the blocks between
            // the first and the last are stored to whole lines, and these two, which overlap their neighbours, where they are.
            let wide = is_x86_feature_detected!("avx");
            // SAFETY: the first block is within the bytes at `from` (1) and `to` (2).
            unsafe { copy_blocks(from, to, 1, wide) };
            crash_point("load.after-part");
            at = BLOCK - to.addr() % BLOCK;
            while len - at > BLOCK {
                let blocks = at_a_time(len - at);
                // SAFETY: so many blocks are within the bytes at `from` (1) and `to` (2).
                unsafe { copy_blocks(from.wrapping_add(at), to.wrapping_add(at), blocks, wide) };
                at += blocks * BLOCK;
                crash_point("load.after-part");
            }
            at = len - BLOCK;
            // SAFETY: the last block is within the bytes at `from` (1) and `to` (2).
            unsafe { copy_blocks(from.wrapping_add(at), to.wrapping_add(at), 1, wide) };
            crash_point("load.after-part");
            at = len;
        }
        // Moves the next bytes, as many as the type has, through a register that the template names.
        macro_rules! step {
            ($type:ty, $class:ident, $template:literal) => {{
                let value: $type;
                // SAFETY: within the bytes at `from` (1); reads them and nothing else.
                unsafe {
                    asm!($template, value = lateout($class) value, from = in(reg) from.wrapping_add(at),
                        options(nostack, preserves_flags, readonly));
                }
                // SAFETY: within the bytes at `to` (2).
                unsafe { to.wrapping_add(at).cast::<$type>().write_unaligned(value) };
                at += size_of::<$type>();
            }};
        }
        while len - at >= 16 {
            step!(__m128i, xmm_reg, "movdqu {value}, xmmword ptr [{from}]");
            if at % BLOCK == 0 {
                crash_point("load.after-part");
            }
        }
        if len - at >= 8 {
            step!(u64, reg, "mov {value}, qword ptr [{from}]");
        }
        if len - at >= 4 {
            step!(u32, reg, "mov {value:e}, dword ptr [{from}]");
        }
        if len - at >= 2 {
            step!(u16, reg, "movzx {value:e}, word ptr [{from}]");
        }
        if len - at >= 1 {
            step!(u8, reg_byte, "mov {value}, byte ptr [{from}]");
        }
        debug_assert_eq!(at, len);
    }

    /// Copies `len` bytes at `from` to `to`, where others may be reading.
    ///
    /// # Safety
    ///
    /// 1. The bytes at `from` are readable, and nobody writes them meanwhile.
    /// 2. The whole aligned words of 8 bytes that the bytes at `to` lie in are writable, and nobody else writes them
    ///    meanwhile. While somebody may read them they are accessed through this module only.
    #[inline(always)]
    pub(crate) unsafe fn store(from: *const u8, to: *mut u8, len: usize) {
        let mut at = 0;
        if len >= LARGE {
            let wide = is_x86_feature_detected!("avx");
            while len - at >= BLOCK {
                let blocks = at_a_time(len - at);
                // SAFETY: so many blocks are within the bytes at `from` (1) and `to` (2).
                unsafe { copy_blocks(from.wrapping_add(at), to.wrapping_add(at), blocks, wide) };
                at += blocks * BLOCK;
                crash_point("store.after-part");
            }
        }
        macro_rules! step {
            ($type:ty, $class:ident, $template:literal) => {{
                // SAFETY: within the bytes at `from` (1).
                let value = unsafe { from.wrapping_add(at).cast::<$type>().read_unaligned() };
                // SAFETY: within the bytes at `to` (2); writes them and nothing else.
                unsafe {
                    asm!($template, value = in($class) value, to = in(reg) to.wrapping_add(at),
                        options(nostack, preserves_flags));
                }
                at += size_of::<$type>();
            }};
        }
        while len > SMALL && len - at >= 16 {
            step!(__m128i, xmm_reg, "movdqu xmmword ptr [{to}], {value}");
            if at % BLOCK == 0 {
                crash_point("store.after-part");
            }
        }
        while len - at >= 8 {
            step!(u64, reg, "mov qword ptr [{to}], {value}");
        }
        if len & 4 != 0 {
            step!(u32, reg, "mov dword ptr [{to}], {value:e}");
        }
        if len & 2 != 0 {
            step!(u16, reg, "mov word ptr [{to}], {value:x}");
        }
        if len & 1 != 0 {
            step!(u8, reg_byte, "mov byte ptr [{to}], {value}");
        }
        debug_assert_eq!(at, len);
    }

    /// All whole blocks of what is left; one at a time where tests want to end a process between two of them.
    #[inline(always)]
    fn at_a_time(left: usize) -> usize {
        if cfg!(test) { 1 } else { left / BLOCK }
    }

    /// Copies so many blocks, at least one.
    ///
    /// # Safety
    ///
    /// As [`load`] or [`store`], of `blocks * BLOCK` bytes; the processor has AVX if `wide` says so.
    #[inline(always)]
    pub(super) unsafe fn copy_blocks(from: *const u8, to: *mut u8, blocks: usize, wide: bool) {
        debug_assert!(blocks > 0);
        if wide {
            // The upper halves of these registers are left clear: with something in them older instructions, which is what
            // the compiler emits, are slow on some processors.
            // SAFETY: within the bytes at `from` and `to`; the processor knows these instructions.
            unsafe {
                asm!(
                    "2:",
                    "vmovdqu ymm0, ymmword ptr [{from}]",
                    "vmovdqu ymm1, ymmword ptr [{from} + 32]",
                    "vmovdqu ymmword ptr [{to}], ymm0",
                    "vmovdqu ymmword ptr [{to} + 32], ymm1",
                    "add {from}, 64",
                    "add {to}, 64",
                    "dec {blocks}",
                    "jnz 2b",
                    "vzeroupper",
                    from = inout(reg) from => _, to = inout(reg) to => _, blocks = inout(reg) blocks => _,
                    out("ymm0") _, out("ymm1") _, out("ymm2") _, out("ymm3") _, out("ymm4") _, out("ymm5") _,
                    out("ymm6") _, out("ymm7") _, out("ymm8") _, out("ymm9") _, out("ymm10") _, out("ymm11") _,
                    out("ymm12") _, out("ymm13") _, out("ymm14") _, out("ymm15") _,
                    options(nostack)
                );
            }
        } else {
            // SAFETY: within the bytes at `from` and `to`.
            unsafe {
                asm!(
                    "2:",
                    "movdqu {a}, xmmword ptr [{from}]",
                    "movdqu {b}, xmmword ptr [{from} + 16]",
                    "movdqu {c}, xmmword ptr [{from} + 32]",
                    "movdqu {d}, xmmword ptr [{from} + 48]",
                    "movdqu xmmword ptr [{to}], {a}",
                    "movdqu xmmword ptr [{to} + 16], {b}",
                    "movdqu xmmword ptr [{to} + 32], {c}",
                    "movdqu xmmword ptr [{to} + 48], {d}",
                    "add {from}, 64",
                    "add {to}, 64",
                    "dec {blocks}",
                    "jnz 2b",
                    from = inout(reg) from => _, to = inout(reg) to => _, blocks = inout(reg) blocks => _,
                    a = out(xmm_reg) _, b = out(xmm_reg) _, c = out(xmm_reg) _, d = out(xmm_reg) _,
                    options(nostack)
                );
            }
        }
    }
}

/// By words, through atomics: where there is no assembly for it.
#[cfg(any(test, not(all(target_arch = "x86_64", not(miri)))))]
mod worded {
    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

    use super::BLOCK;
    use crate::sync::crash_point;

    const WORD: usize = size_of::<u64>();

    /// The part of one word that a copy needs: bytes `start..end` of the word at `address`.
    struct Part {
        address: usize,
        start: usize,
        end: usize,
    }

    /// The words that `len` bytes at `address` lie in.
    fn parts(address: usize, len: usize) -> impl Iterator<Item = Part> {
        let (first, end) = (address & !(WORD - 1), address + len);
        (first..end).step_by(WORD).map(move |word| Part {
            address: word,
            start: address.saturating_sub(word),
            end: (end - word).min(WORD),
        })
    }

    /// As on x86-64.
    ///
    /// # Safety
    ///
    /// As on x86-64.
    #[inline]
    pub(crate) unsafe fn load(from: *const u8, mut to: *mut u8, len: usize) {
        let mut at = 0;
        for Part { address, start, end } in parts(from.addr(), len) {
            let word = from.with_addr(address).cast::<AtomicU64>();
            // SAFETY: aligned, readable, and only accessed as such words (1).
            let bytes = unsafe { &*word }.load(Relaxed).to_ne_bytes();
            let part = &bytes[start..end];
            // SAFETY: within the bytes at `to` (2), which are nobody else's.
            unsafe { to.copy_from_nonoverlapping(part.as_ptr(), part.len()) };
            to = to.wrapping_add(part.len());
            at += end - start;
            if at % BLOCK == 0 {
                crash_point("load.after-part");
            }
        }
    }

    /// As on x86-64.
    ///
    /// # Safety
    ///
    /// As on x86-64.
    #[inline]
    pub(crate) unsafe fn store(mut from: *const u8, to: *mut u8, len: usize) {
        let mut at = 0;
        for Part { address, start, end } in parts(to.addr(), len) {
            let word = to.with_addr(address).cast::<AtomicU64>();
            // SAFETY: aligned, writable, and only accessed as such words (2).
            let word = unsafe { &*word };
            // What is beside the part stays: nobody else writes it (2).
            let mut bytes = if end - start == WORD { [0; WORD] } else { word.load(Relaxed).to_ne_bytes() };
            let part = &mut bytes[start..end];
            // SAFETY: within the bytes at `from` (1), which are nobody else's to write.
            unsafe { part.as_mut_ptr().copy_from_nonoverlapping(from, part.len()) };
            from = from.wrapping_add(part.len());
            word.store(u64::from_ne_bytes(bytes), Relaxed);
            at += end - start;
            if at % BLOCK == 0 {
                crash_point("store.after-part");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{load, store};

    type Copy = unsafe fn(*const u8, *mut u8, usize);

    /// Larger than any width, with a word to spare on either side.
    const BYTES: usize = 720;

    #[repr(align(64))]
    struct Shared([u8; BYTES]);

    /// Every length at every distance from a word: the bytes arrive, and those beside them stay.
    fn check(copy: Copy, shared_first: bool) {
        let source: Vec<u8> = (0..BYTES).map(|n| n as u8 ^ 0x55).collect();
        for start in 8..24 {
            for len in 0..=BYTES - 8 - start {
                let mut target = Shared([0xaa; BYTES]);
                let from = Shared(source.clone().try_into().expect("as many"));
                // What is shared is at any address, what is private at another.
                let (at, private) = if shared_first { (start, start / 3) } else { (start / 3, start) };
                // SAFETY: both ranges, and the words that they lie in, are inside the arrays, which are ours.
                unsafe {
                    copy(from.0.as_ptr().wrapping_add(at), target.0.as_mut_ptr().wrapping_add(private), len)
                };
                let mut expected = [0xaa; BYTES];
                expected[private..private + len].copy_from_slice(&source[at..at + len]);
                assert_eq!(target.0, expected, "{len} bytes from {at} to {private}");
            }
        }
    }

    #[cfg(all(target_arch = "x86_64", not(miri)))]
    #[test]
    fn blocks_arrive_whole_by_either_instruction() {
        use super::BLOCK;
        use super::wide::copy_blocks;

        let source: Vec<u8> = (0..192).collect();
        for (wide, blocks) in [(false, 1), (false, 3), (true, 1), (true, 3)] {
            let wide = wide && std::arch::is_x86_feature_detected!("avx");
            let (mut target, len) = (vec![0xaa; 192 + 64], blocks * BLOCK);
            let to = target.as_mut_ptr().wrapping_add(3);
            // SAFETY: `len` bytes of each array.
            unsafe { copy_blocks(source.as_ptr(), to, blocks, wide) };
            assert_eq!(target[3..3 + len], source[..len], "wide: {wide}");
            assert!(target[..3].iter().chain(&target[3 + len..]).all(|byte| *byte == 0xaa));
        }
    }

    #[test]
    fn every_number_of_bytes_is_loaded_from_any_address_and_nothing_else_is_written() {
        check(load, true);
        // The form of other processors.
        #[cfg(target_arch = "x86_64")]
        check(super::worded::load, true);
    }

    #[test]
    fn every_number_of_bytes_is_stored_to_any_address_and_nothing_else_is_written() {
        check(store, false);
        #[cfg(target_arch = "x86_64")]
        check(super::worded::store, false);
    }
}
