package trace

import (
	"strconv"
	"sync/atomic"
)

// IDs makes ids that are unique among those with the same prefix. It is safe for
// concurrent use.
type IDs struct {
	prefix string
	count  atomic.Uint64
}

// NewIDs returns a maker of ids that begin with prefix. With a random prefix they are
// unique everywhere.
func NewIDs(prefix string) *IDs { return &IDs{prefix: prefix} }

// Next returns the next id.
func (i *IDs) Next() string {
	var room [2 * MaxIDBytes]byte
	return string(strconv.AppendUint(append(room[:0], i.prefix...), i.count.Add(1), 36))
}
