//! Pages of the program and its libraries, as far as they are mapped. What is allocated is `heap.rs`'s.

use std::ptr;
use std::slice;

/// Forgets which pages of code and constants were used so far. The next use of one maps it again, with its neighbours, out of the
/// kernel's cache; those that only the start used are the process's no more.
pub fn forget() {
    // SAFETY: the loader calls back what has the form that it asks for, and never unwinds.
    unsafe { libc::dl_iterate_phdr(Some(forget_object), ptr::null_mut()) };
}

unsafe extern "C" fn forget_object(object: *mut libc::dl_phdr_info, _: libc::size_t, _: *mut libc::c_void) -> libc::c_int {
    // SAFETY: asked for a constant of the system, it touches nothing.
    let page_bytes = unsafe { libc::sysconf(libc::_SC_PAGESIZE) } as usize;
    // SAFETY: the loader gives an object that stays where it is during the call, with as many segments as it says.
    let (object, segments) = unsafe { (&*object, slice::from_raw_parts((*object).dlpi_phdr, (*object).dlpi_phnum.into())) };
    for segment in segments
        .iter()
        .filter(|segment| segment.p_type == libc::PT_LOAD && segment.p_flags & libc::PF_W == 0)
    {
        let start = (object.dlpi_addr + segment.p_vaddr) as usize;
        // In its last page a segment may begin that is written to.
        let (first, last) = (start & !(page_bytes - 1), (start + segment.p_memsz as usize) & !(page_bytes - 1));
        // SAFETY: nothing is ever written there, so that the file has the same bytes. Where it fails, all stays as it is.
        unsafe { libc::madvise(first as *mut libc::c_void, last.saturating_sub(first), libc::MADV_DONTNEED) };
    }
    0
}
