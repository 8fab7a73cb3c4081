//! How many streams each user has: a program gone wild takes its own places, not everybody's.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;

use crate::identity::UserName;

/// One entry for every stream of a user who has a name.
#[derive(Debug)]
pub(super) struct Seats {
    users: Mutex<Vec<UserName>>,
    per_user_max: usize,
}

/// A user's stream; given back when dropped.
#[derive(Debug)]
pub(in crate::web) struct Seat {
    taken: Option<(Arc<Seats>, UserName)>,
}

impl Seats {
    pub(super) fn new(per_user_max: usize) -> Seats {
        Seats {
            users: Mutex::default(),
            per_user_max,
        }
    }

    /// Those who are not told apart are counted only as clients.
    pub(super) fn take(self: &Arc<Seats>, user: Option<&str>) -> Option<Seat> {
        let Some(user) = user else { return Some(Seat { taken: None }) };
        let user = UserName::try_from(user).ok()?;
        let mut users = self.users();
        if users.iter().filter(|other| **other == user).count() >= self.per_user_max {
            return None;
        }
        users.push(user.clone());
        Some(Seat {
            taken: Some((Arc::clone(self), user)),
        })
    }

    fn users(&self) -> MutexGuard<'_, Vec<UserName>> {
        self.users.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if let Some((seats, user)) = &self.taken {
            let mut users = seats.users();
            if let Some(index) = users.iter().position(|other| other == user) {
                users.swap_remove(index);
            }
        }
    }
}
