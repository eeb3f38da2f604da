package api

import (
	"strconv"
	"strings"
)

// A log index has a meaning only within one life of a cluster. A cluster that was founded
// again, from a backup or not, or was recovered, uses the same indexes for other things.
// Values that clients keep and send back therefore name the cluster as well as the index:
// ids of events, tags of results, tokens of pages. Revisions of polls and versions of
// ballots are plain numbers; no cache may keep responses that have them.

// appendMoment appends a log index of this life.
func appendMoment(b []byte, index uint64, life string) []byte {
	b = strconv.AppendUint(b, index, 10)
	if life != "" {
		b = append(append(b, '-'), life...)
	}
	return b
}

// readMoment reads what appendMoment wrote; ok is false for a value of another life, and
// for one that appendMoment never wrote.
func readMoment(s, life string) (index uint64, ok bool) {
	number, of, _ := strings.Cut(s, "-")
	index, err := strconv.ParseUint(number, 10, 64)
	return index, err == nil && of == life
}
