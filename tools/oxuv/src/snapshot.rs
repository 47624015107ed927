//! Memory that is read once: a page that was read is not read again.

use crate::process::{Fault, Memory, Read};
use std::cell::RefCell;
use std::collections::HashMap;

const PAGE: u64 = 4096;

/// The memory of a process at about one moment. Fields of one page are of the same moment.
pub struct Snapshot<'a> {
    memory: &'a dyn Memory,
    pages: RefCell<HashMap<u64, Option<Box<[u8]>>>>,
}

impl<'a> Snapshot<'a> {
    pub fn new(memory: &'a dyn Memory) -> Snapshot<'a> {
        Snapshot { memory, pages: RefCell::new(HashMap::new()) }
    }

    /// Forgets what was read.
    pub fn renew(&self) {
        self.pages.borrow_mut().clear();
    }
}

impl Memory for Snapshot<'_> {
    fn read(&self, address: u64, buffer: &mut [u8]) -> Read {
        let mut pages = self.pages.borrow_mut();
        let mut done = 0;
        while done < buffer.len() {
            let at = address.checked_add(done as u64).ok_or(Fault)?;
            let start = at - at % PAGE;
            let page = pages
                .entry(start)
                .or_insert_with(|| self.memory.bytes(start, PAGE as usize).ok().map(Vec::into));
            let from = (at - start) as usize;
            let part = &page.as_ref().ok_or(Fault)?[from..];
            let length = part.len().min(buffer.len() - done);
            buffer[done..done + length].copy_from_slice(&part[..length]);
            done += length;
        }
        Ok(())
    }
}
