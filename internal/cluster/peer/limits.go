package peer

import "time"

const (
	// DefaultTimeout bounds one dial, one raft exchange, and the sending of one request's head.
	DefaultTimeout = 5 * time.Second
	// DefaultMaxBody is far above a full batch (about 1 MiB), and still fits in memory a few times.
	DefaultMaxBody = 64 << 20

	// silentLimit is how long a new connection may take to say what it is; members say it at once.
	silentLimit = 3 * time.Second
	// maxUndecided bounds the connections that have not said yet what they are. Past it the oldest is dropped: a member's
	// own connection is never undecided for long.
	maxUndecided = 256
	// bodyTimeout bounds the arrival of one body, and of one answer: DefaultMaxBody at about 2 MiB a second.
	bodyTimeout = 30 * time.Second
	// maxHeaderBytes: members send a handful of short header fields.
	maxHeaderBytes = 8 << 10
	// clientIdle is shorter than serverIdle, so that it is always the client that retires an idle connection: a server that
	// closes one just as a request arrives leaves the request's outcome unknown.
	clientIdle = 60 * time.Second
	serverIdle = 120 * time.Second
	// idlePerPeer covers the calls that are in flight to one member at a time, commands that manage polls most of all:
	// those beyond would each cost a connection with its buffers.
	idlePerPeer = 64
	// ioBuffer lets a large body go in few system calls.
	ioBuffer = 64 << 10
	// wholeBody is how much is set aside for a body on the sender's word alone; larger ones grow as they arrive.
	wholeBody = 4 << 20
	// maxMessageBytes bounds the text of a remote error.
	maxMessageBytes = 64 << 10

	// complaintEvery and complaintBurst bound how often refused connections are logged.
	complaintEvery = 10 * time.Second
	complaintBurst = 5

	// raftPool is how many idle raft connections to one member are kept: replication and heartbeats use one each.
	raftPool = 3

	// watchRetryMin and watchRetryMax bound the pause between two attempts of Watch. The first is short because a dying
	// process may accept once more before it refuses.
	watchRetryMin = 2 * time.Millisecond
	watchRetryMax = 500 * time.Millisecond
	// watchSettled is how long a connection must stand to count as a fresh start.
	watchSettled = time.Second
	// watchProbe and watchProbes find a host that vanished without a word: about four seconds.
	watchProbe  = time.Second
	watchProbes = 3
	// watchMaxBytes is how much a watching peer may say: its greeting.
	watchMaxBytes = 16
)
