-- What a member has begun to write in the room, none where there is nothing, and the `seq` of the
-- `draft` event in the member's `self` room that says so last: its body goes with the next one.
ALTER TABLE members ADD COLUMN draft TEXT;
ALTER TABLE members ADD COLUMN draft_seq INTEGER;

-- The colour of a user's picture, where one was chosen.
ALTER TABLE users ADD COLUMN hue INTEGER CHECK (hue BETWEEN 0 AND 359);

-- Who founded a room sees its founding: the first event, and not only their own joining after it.
UPDATE members SET join_seq = 1 WHERE first_seq = 2 AND join_seq = 2 AND user_id = (
    SELECT e.user_id FROM events e
    WHERE e.room_id = members.room_id AND e.timeline = 1 AND e.seq = 1 AND e.kind = 3);
