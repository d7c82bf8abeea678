//! A queue that grows by small pieces.
//!
//! One block that doubles takes twice what a flood is charged for, three times while it is copied, and megabytes in one piece leave
//! holes in the allocator's memory. Pieces come from the slabs and go back there.

use std::collections::VecDeque;

/// Items of a piece: letters, of 80 bytes, fit a block of a slab.
const SEGMENT: usize = 16;

/// Storage that may stay for the next items, in items.
const KEPT: usize = 4;

/// See the head of the file. No piece but `first` is empty, and that only if there are no others.
pub struct Segments<T> {
    /// The oldest items; it grows as it must, up to a whole piece.
    first: VecDeque<T>,
    /// Boxed, because most queues never have any.
    #[expect(clippy::box_collection, reason = "three words less in every queue")]
    rest: Option<Box<VecDeque<VecDeque<T>>>>,
}

impl<T> Segments<T> {
    pub const fn new() -> Self {
        Self { first: VecDeque::new(), rest: None }
    }

    #[inline]
    pub fn push_back(&mut self, item: T) {
        if self.rest.is_none() && self.first.len() < SEGMENT {
            self.first.push_back(item);
        } else {
            self.push_rest(item);
        }
    }

    #[inline(never)]
    fn push_rest(&mut self, item: T) {
        let rest = self.rest.get_or_insert_default();
        match rest.back_mut() {
            Some(last) if last.len() < SEGMENT => last.push_back(item),
            _ => {
                let mut piece = VecDeque::with_capacity(SEGMENT);
                piece.push_back(item);
                rest.push_back(piece);
            }
        }
    }

    #[inline]
    pub fn pop_front(&mut self) -> Option<T> {
        let item = self.first.pop_front()?;
        if self.first.is_empty() && self.rest.is_some() {
            self.next_piece();
        }
        Some(item)
    }

    #[inline(never)]
    fn next_piece(&mut self) {
        let Some(rest) = &mut self.rest else { return };
        if let Some(piece) = rest.pop_front() {
            self.first = piece;
        }
        if rest.is_empty() {
            self.rest = None;
        } else if rest.capacity() > 4 * rest.len() {
            rest.shrink_to(2 * rest.len());
        }
    }

    pub fn push_front(&mut self, item: T) {
        self.first.push_front(item);
    }

    pub fn front(&self) -> Option<&T> {
        self.first.front()
    }

    pub fn is_empty(&self) -> bool {
        self.first.is_empty()
    }

    pub fn len(&self) -> usize {
        self.first.len() + self.rest.iter().flat_map(|rest| rest.iter()).map(VecDeque::len).sum::<usize>()
    }

    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.first.iter().chain(self.rest.iter().flat_map(|rest| rest.iter().flatten()))
    }

    /// Moves all items to the end of `to`. If that is empty its storage stays here for the next items.
    pub fn move_to(&mut self, to: &mut VecDeque<T>) {
        if to.is_empty() {
            // Enough for another batch like this one.
            let taken = self.first.len().clamp(KEPT, SEGMENT);
            std::mem::swap(&mut self.first, to);
            self.first.shrink_to(taken);
        } else {
            to.append(&mut self.first);
        }
        if let Some(rest) = self.rest.take() {
            to.reserve(rest.iter().map(VecDeque::len).sum());
            for mut piece in *rest {
                to.append(&mut piece);
            }
        }
    }

    /// Items that fit without more memory.
    #[cfg(test)]
    pub fn capacity(&self) -> usize {
        self.first.capacity() + self.rest.as_ref().map_or(0, |rest| rest.capacity())
    }
}

impl<T> Default for Segments<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Iterator for Segments<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.pop_front()
    }
}

impl<T> Extend<T> for Segments<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, items: I) {
        items.into_iter().for_each(|item| self.push_back(item));
    }
}

impl<T> FromIterator<T> for Segments<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        let mut segments = Self::new();
        segments.extend(items);
        segments
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_come_out_in_order() {
        let (mut segments, mut model) = (Segments::new(), VecDeque::new());
        let mut seed = 1_u32;
        for i in 0..100_000 {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            match seed >> 24 {
                0..150 => {
                    segments.push_back(i);
                    model.push_back(i);
                }
                150..250 => assert_eq!(segments.pop_front(), model.pop_front()),
                250 => {
                    segments.push_front(i);
                    model.push_front(i);
                }
                251 => {
                    let mut to = VecDeque::from([i]);
                    segments.move_to(&mut to);
                    assert_eq!(to.pop_front(), Some(i));
                    assert_eq!(to, model);
                    model.clear();
                }
                252 => {
                    let mut to = VecDeque::new();
                    segments.move_to(&mut to);
                    assert_eq!(to, model);
                    model.clear();
                }
                _ => {
                    assert!(segments.iter().eq(&model) && segments.front() == model.front());
                    assert_eq!((segments.len(), segments.is_empty()), (model.len(), model.is_empty()));
                }
            }
        }
        assert!(segments.eq(model));
    }

    #[test]
    fn many_items_leave_little_behind() {
        let mut segments = Segments::new();
        for round in 0..3 {
            (0..100_000).for_each(|i| segments.push_back(i));
            let mut to = VecDeque::new();
            if round == 1 {
                segments.move_to(&mut to);
            }
            assert_eq!(to.len() + segments.by_ref().count(), 100_000);
            assert!(segments.capacity() < 200, "{}", segments.capacity());
        }
    }
}
