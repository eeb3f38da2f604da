package trace

import (
	"strconv"
	"sync/atomic"
)

// IDs makes ids that differ among all that have the same prefix. It may be used by
// several goroutines.
type IDs struct {
	prefix string
	count  atomic.Uint64
}

// NewIDs returns a maker of ids that begin with prefix; a prefix drawn by lot makes
// them differ from everybody else's.
func NewIDs(prefix string) *IDs { return &IDs{prefix: prefix} }

// Next returns the next id.
func (i *IDs) Next() string {
	var room [2 * MaxIDBytes]byte
	return string(strconv.AppendUint(append(room[:0], i.prefix...), i.count.Add(1), 36))
}
