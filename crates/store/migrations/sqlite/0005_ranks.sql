-- Those who govern the installation beside its owners are listed.
CREATE INDEX users_admin ON users (rank) WHERE rank = 'admin' AND handle IS NOT NULL;
