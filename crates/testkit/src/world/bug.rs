//! Mistakes that a server could make, planted in the simulated one so that the checker can show
//! that it sees them.

/// One mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bug {
    /// The sender is answered before the commit, which a crash can undo.
    AckBeforeCommit,
    /// The event goes out before the commit, which a crash can undo.
    BroadcastBeforeCommit,
    /// Keys are known to the node that took them alone, and forgotten when it restarts.
    DedupeInMemory,
    /// A key is known again whatever the body.
    KeyWithoutBody,
    /// A commit whose answer was lost is reported as a refusal.
    UnknownAsRefused,
    /// Rights are checked when the command comes and not when it is committed.
    StaleRights,
    /// A commit that was rolled back leaves a hole in the numbers.
    SeqHole,
    /// A deletion takes the message out of the room's count.
    DeletionUncounts,
    /// A deletion is told, and the body stays.
    DeletionKeepsBody,
    /// One's own log keeps what one had begun to write and wrote otherwise.
    DraftHistory,
    /// One's own message does not move one's read mark.
    OwnSendUnread,
    /// A read mark moves back.
    ReadMarkBack,
    /// Who joins a room sees what was before.
    HistoryLeak,
    /// The log is read from one event too far.
    ResumeOffByOne,
    /// A slow reader's forgotten events are not named.
    LostLagFlag,
    /// Who has left is still told for a moment.
    LeaveAfterFanOut,
    /// What happens between the snapshot and the stream is lost.
    JoinWindowLost,
    /// What was missed is sent twice.
    DoubleDelivery,
    /// A hole is filled with something instead of being read from the log.
    GapSkipped,
    /// Who says that they received something is taken to have received all.
    DeliveredToHead,
    /// What was said to nobody has ticks once somebody comes.
    ReceiptOfNobody,
    /// Who reads unseen is told what the others have read.
    ReadOfQuiet,
    /// Ticks that a slow reader was not told are not told again.
    ReceiptDropped,
}

impl Bug {
    pub const ALL: &'static [Self] = &[
        Self::AckBeforeCommit,
        Self::BroadcastBeforeCommit,
        Self::DedupeInMemory,
        Self::KeyWithoutBody,
        Self::UnknownAsRefused,
        Self::StaleRights,
        Self::SeqHole,
        Self::DeletionUncounts,
        Self::DeletionKeepsBody,
        Self::DraftHistory,
        Self::OwnSendUnread,
        Self::ReadMarkBack,
        Self::HistoryLeak,
        Self::ResumeOffByOne,
        Self::LostLagFlag,
        Self::LeaveAfterFanOut,
        Self::JoinWindowLost,
        Self::DoubleDelivery,
        Self::GapSkipped,
        Self::DeliveredToHead,
        Self::ReceiptOfNobody,
        Self::ReadOfQuiet,
        Self::ReceiptDropped,
    ];
}
