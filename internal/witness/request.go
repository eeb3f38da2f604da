package witness

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"voted/proof"
)

// maxPathLines is the most hashes that a client may send.
const maxPathLines = 63

// maxRequestBytes is the longest request: the older size, the hashes, and a note.
const maxRequestBytes = 1<<10 + maxPathLines*64 + proof.MaxNoteBytes

// request is what add-checkpoint is sent: "old N", the hashes from there, and a head.
type request struct {
	old  uint64
	path []proof.Hash
	note []byte
}

func parseRequest(body []byte) (request, error) {
	head, note, ok := bytes.Cut(body, []byte("\n\n"))
	if !ok {
		return request{}, fmt.Errorf("%w: there is no empty line before the head", ErrMalformed)
	}
	lines := strings.Split(string(head), "\n")
	number, ok := strings.CutPrefix(lines[0], "old ")
	old, err := strconv.ParseUint(number, 10, 64)
	if !ok || err != nil || strconv.FormatUint(old, 10) != number {
		return request{}, fmt.Errorf("%w: the first line is %.60q, and should be old and a size", ErrMalformed, lines[0])
	}
	if len(lines)-1 > maxPathLines {
		return request{}, fmt.Errorf("%w: it has %d hashes, and at most %d are taken", ErrMalformed, len(lines)-1, maxPathLines)
	}
	r := request{old: old, note: note}
	for _, line := range lines[1:] {
		h, err := proof.ParseHash(line)
		if err != nil {
			return request{}, fmt.Errorf("%w: %w", ErrMalformed, err)
		}
		r.path = append(r.path, h)
	}
	return r, nil
}
