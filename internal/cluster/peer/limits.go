package peer

import "time"

const (
	// DefaultTimeout bounds one dial, one raft exchange, and the time to send the head
	// of one request.
	DefaultTimeout = 5 * time.Second
	// DefaultMaxBody is far above a full batch (about 1 MiB), and memory can hold a few
	// such bodies.
	DefaultMaxBody = 64 << 20

	// silentLimit is how long a new connection may take to show its kind; members do so
	// at once.
	silentLimit = 3 * time.Second
	// maxUndecided bounds the connections whose kind is not known yet. Beyond it the
	// oldest is dropped: a member's own connection is never undecided for long.
	maxUndecided = 256
	// bodyTimeout bounds the arrival of one body and of one answer: DefaultMaxBody at
	// about 2 MiB a second.
	bodyTimeout = 30 * time.Second
	// maxHeaderBytes bounds a request's header; members send a few short fields.
	maxHeaderBytes = 8 << 10
	// clientIdle is shorter than serverIdle, so that the client always closes an idle
	// connection first: if the server closed it just as a request arrives, the
	// request's outcome would be unknown.
	clientIdle = 60 * time.Second
	serverIdle = 120 * time.Second
	// idlePerPeer covers the calls under way to one member at a time, mostly commands
	// that manage polls. Each call beyond it would need a new connection with its
	// buffers.
	idlePerPeer = 64
	// ioBuffer is large, so that a large body needs few system calls.
	ioBuffer = 64 << 10
	// wholeBody is how much memory is allocated for a body on the announced length
	// alone; larger bodies grow as they arrive.
	wholeBody = 4 << 20
	// maxMessageBytes bounds the text of a remote error.
	maxMessageBytes = 64 << 10

	// lineEvery and lineBurst bound how often refused connections are logged.
	lineEvery = 10 * time.Second
	lineBurst = 5

	// raftPool is how many idle raft connections to one member are kept: replication and heartbeats use one each.
	raftPool = 3

	// watchRetryMin and watchRetryMax bound the pause between two attempts of Watch. The first is short because a dying
	// process may accept once more before it refuses.
	watchRetryMin = 2 * time.Millisecond
	watchRetryMax = 500 * time.Millisecond
	// watchSettled is how long a connection must stand to count as a fresh start.
	watchSettled = time.Second
	// watchProbe and watchProbes find a host that disappeared without closing its
	// connections: in about four seconds.
	watchProbe  = time.Second
	watchProbes = 3
	// watchMaxBytes is how much a watching peer may send: its greeting.
	watchMaxBytes = 16
)
