// Package optionorder is the order in which a voter sees the options of a poll that
// shuffles them: another one for each voter, and always the same one for the same voter,
// on every member and every device.
package optionorder

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"slices"
)

// Of returns the positions of the options in the order for a voter: by the SHA-256 of the
// poll's id, a zero byte, the voter's canonical id, a zero byte, and the option's id. None
// of these ids holds a zero byte. It says nothing about how anybody voted.
func Of(poll, voter string, options []string) []int {
	seed := append([]byte(poll), 0)
	seed = append(append(seed, voter...), 0)
	order := make([]int, len(options))
	sums := make([][sha256.Size]byte, len(options))
	for i, id := range options {
		order[i], sums[i] = i, sha256.Sum256(append(seed[:len(seed):len(seed)], id...))
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(bytes.Compare(sums[a][:], sums[b][:]), cmp.Compare(a, b))
	})
	return order
}
