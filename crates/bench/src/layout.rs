//! Who is in which room: the same for every server of a scenario.

/// Users, their connections, and the rooms that they are in.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    pub(crate) users: usize,
    /// Connection `c` belongs to user `c % users`.
    pub(crate) connections: usize,
    /// Each room's members, by the number of the user; none twice.
    pub(crate) rooms: Vec<Vec<usize>>,
}

impl Layout {
    /// One room, all of them in it.
    pub(crate) fn crowd(users: usize) -> Self {
        Self { users, connections: users, rooms: vec![(0..users).collect()] }
    }

    /// One room for each user, who is alone in it.
    pub(crate) fn alone(users: usize) -> Self {
        Self { users, connections: users, rooms: (0..users).map(|user| vec![user]).collect() }
    }

    /// So many rooms of so many members, every user in equally many (to within one).
    pub(crate) fn rooms(users: usize, rooms: usize, size: usize) -> Self {
        assert!(size <= users, "a room of {size} needs as many users");
        let members = |room: usize| (0..size).map(|at| (room * size + at) % users).collect();
        Self { users, connections: users, rooms: (0..rooms).map(members).collect() }
    }

    /// The same rooms, with so many connections.
    pub(crate) fn with_connections(self, connections: usize) -> Self {
        Self { connections, ..self }
    }

    /// The rooms of each user.
    pub(crate) fn rooms_of_users(&self) -> Vec<Vec<usize>> {
        let mut of_users = vec![Vec::new(); self.users];
        for (room, members) in self.rooms.iter().enumerate() {
            for &user in members {
                of_users[user].push(room);
            }
        }
        of_users
    }
}

#[cfg(test)]
mod tests {
    use super::Layout;

    #[test]
    fn every_user_is_in_equally_many_rooms_and_in_none_twice() {
        let layout = Layout::rooms(50, 50, 10);
        for rooms in layout.rooms_of_users() {
            let mut distinct = rooms.clone();
            distinct.dedup();
            assert_eq!((rooms.len(), distinct.len()), (10, 10));
        }
    }
}
