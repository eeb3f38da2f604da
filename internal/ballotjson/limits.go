package ballotjson

import "voted/internal/poll"

const (
	// MaxBytes bounds a ballot: it has room for a ranking of poll.MaxOptions ids of the
	// longest kind, pretty-printed.
	MaxBytes = 128 << 10
	// MaxLineBytes bounds a line with a ballot, and a voter id fully escaped.
	MaxLineBytes = MaxBytes + 8*poll.MaxVoterBytes
)
