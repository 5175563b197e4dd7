//! Memory for very many short runs of bytes.
//!
//! One allocation for each would cost a header, and time in the allocator for every item. So runs lie in cells of a few
//! sizes, 64 cells to a block. A block without a run gives its memory back, which a flood that makes all runs grow at
//! once would otherwise leave behind in every size.

/// Cells of a block: the bits of its mask.
const CELLS: usize = 64;

/// Up to here, sizes are this far apart …
const FINE: usize = 16;
const FINE_UP_TO: usize = 256;
/// … and beyond it this far.
const COARSE: usize = 128;

/// Where a run lies.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    cell: u32,
    length: u32,
    class: u32,
}

/// Cells of all sizes.
#[derive(Debug, Default)]
pub(crate) struct Arena {
    classes: Vec<Class>,
}

impl Arena {
    /// Puts bytes into a cell.
    pub fn put(&mut self, head: &[u8], tail: &[u8]) -> Run {
        let length = head.len() + tail.len();
        let class = class_of(length);
        while self.classes.len() <= class {
            self.classes.push(Class::of(self.classes.len()));
        }
        let (cell, bytes) = self.classes[class].take();
        bytes[..head.len()].copy_from_slice(head);
        bytes[head.len()..length].copy_from_slice(tail);
        Run { cell, length: length as u32, class: class as u32 }
    }

    /// The bytes of a run.
    pub fn get(&self, run: Run) -> &[u8] {
        &self.classes[run.class as usize].cell(run.cell)[..run.length as usize]
    }

    /// Puts bytes behind a run, in another cell if they do not fit into its own.
    pub fn extend(&mut self, run: Run, tail: &[u8]) -> Run {
        let (before, class) = (run.length as usize, run.class as usize);
        let length = before + tail.len();
        if class_of(length) == class {
            self.classes[class].cell_mut(run.cell)[before..length].copy_from_slice(tail);
            return Run { length: length as u32, ..run };
        }
        let head = self.get(run).to_vec();
        self.free(run);
        self.put(&head, tail)
    }

    /// Gives up the cell of a run.
    pub fn free(&mut self, run: Run) {
        self.classes[run.class as usize].free(run.cell);
    }
}

fn class_of(length: usize) -> usize {
    match length {
        0..=FINE_UP_TO => length.div_ceil(FINE),
        _ => FINE_UP_TO / FINE + (length - FINE_UP_TO).div_ceil(COARSE),
    }
}

/// Cells of one size.
#[derive(Debug, Default)]
struct Class {
    size: usize,
    blocks: Vec<Block>,
    /// Blocks that have a cell to give, and perhaps some that no longer have.
    open: Vec<u32>,
}

#[derive(Debug, Default)]
struct Block {
    /// Empty while no cell is in use.
    bytes: Box<[u8]>,
    used: u64,
    open: bool,
}

impl Class {
    fn of(class: usize) -> Self {
        let fine = FINE_UP_TO / FINE;
        let size = class.min(fine) * FINE + class.saturating_sub(fine) * COARSE;
        Self { size, ..Self::default() }
    }

    fn take(&mut self) -> (u32, &mut [u8]) {
        let number = self.open_block();
        let block = &mut self.blocks[number];
        if block.used == 0 {
            block.bytes = vec![0; CELLS * self.size].into();
        }
        let cell = block.used.trailing_ones() as usize;
        block.used |= 1 << cell;
        ((number * CELLS + cell) as u32, &mut block.bytes[cell * self.size..][..self.size])
    }

    fn open_block(&mut self) -> usize {
        while let Some(&number) = self.open.last() {
            let block = &mut self.blocks[number as usize];
            if block.used != u64::MAX {
                return number as usize;
            }
            block.open = false;
            self.open.pop();
        }
        self.blocks.push(Block { open: true, ..Block::default() });
        self.open.push((self.blocks.len() - 1) as u32);
        self.blocks.len() - 1
    }

    fn cell(&self, cell: u32) -> &[u8] {
        let (block, cell) = (cell as usize / CELLS, cell as usize % CELLS);
        &self.blocks[block].bytes[cell * self.size..][..self.size]
    }

    fn cell_mut(&mut self, cell: u32) -> &mut [u8] {
        let (block, cell) = (cell as usize / CELLS, cell as usize % CELLS);
        &mut self.blocks[block].bytes[cell * self.size..][..self.size]
    }

    fn free(&mut self, cell: u32) {
        let number = cell as usize / CELLS;
        let block = &mut self.blocks[number];
        block.used &= !(1 << (cell as usize % CELLS));
        if block.used == 0 {
            block.bytes = Box::default();
        }
        if !std::mem::replace(&mut block.open, true) {
            self.open.push(number as u32);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn keeps_every_run_as_it_is(
            steps in prop::collection::vec((any::<prop::sample::Index>(), 0..3_u8, 0..700_usize, any::<u8>()), 1..300),
        ) {
            let (mut arena, mut runs): (Arena, Vec<(Run, Vec<u8>)>) = Default::default();
            for (at, what, length, byte) in steps {
                match what {
                    0 if !runs.is_empty() => arena.free(runs.swap_remove(at.index(runs.len())).0),
                    1 if !runs.is_empty() => {
                        let at = at.index(runs.len());
                        let (run, bytes) = &mut runs[at];
                        bytes.extend(vec![byte; length]);
                        *run = arena.extend(*run, &vec![byte; length]);
                    }
                    _ => runs.push((arena.put(&vec![byte; length], &[byte]), vec![byte; length + 1])),
                }
                for (run, bytes) in &runs {
                    prop_assert_eq!(arena.get(*run), bytes.as_slice());
                }
            }
            runs.iter().for_each(|(run, _)| arena.free(*run));
            prop_assert!(arena.classes.iter().flat_map(|c| &c.blocks).all(|b| b.bytes.is_empty()));
        }
    }
}
