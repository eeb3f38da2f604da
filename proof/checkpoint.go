package proof

import (
	"fmt"
	"strconv"
	"strings"
)

// Checkpoint is the text that is signed: how a log was at one size
// (c2sp.org/tlog-checkpoint).
type Checkpoint struct {
	Origin     string   // names the log
	Size       uint64   // entries
	Root       Hash     // of their tree
	Extensions []string // further lines; voted writes none
}

// String returns the text of the checkpoint, each line ended by a newline.
func (c Checkpoint) String() string {
	s := c.Origin + "\n" + strconv.FormatUint(c.Size, 10) + "\n" + c.Root.String() + "\n"
	for _, e := range c.Extensions {
		s += e + "\n"
	}
	return s
}

// ParseCheckpoint reads what String wrote: the text of a note, without signatures.
func ParseCheckpoint(text string) (Checkpoint, error) {
	lines, err := wholeLines(text)
	if err != nil {
		return Checkpoint{}, err
	}
	if len(lines) < 3 {
		return Checkpoint{}, fmt.Errorf("%w: a checkpoint has three lines, the name of the log, its size and a hash, and this one has %d", ErrMalformed, len(lines))
	}
	for i, line := range lines {
		if line == "" {
			return Checkpoint{}, fmt.Errorf("%w: line %d of a checkpoint is empty", ErrMalformed, i+1)
		}
	}
	size, err := parseNumber(lines[1])
	if err != nil {
		return Checkpoint{}, fmt.Errorf("the size in a checkpoint: %w", err)
	}
	if size > MaxSize {
		return Checkpoint{}, fmt.Errorf("%w: no log has %d entries", ErrMalformed, size)
	}
	root, err := ParseHash(lines[2])
	if err != nil {
		return Checkpoint{}, fmt.Errorf("the hash in a checkpoint: %w", err)
	}
	return Checkpoint{lines[0], size, root, lines[3:]}, nil
}

// parseNumber reads a decimal number without leading zeroes, signs or spaces.
func parseNumber(s string) (uint64, error) {
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil || strconv.FormatUint(n, 10) != s {
		return 0, fmt.Errorf("%w: %.40q is not a decimal number without leading zeroes", ErrMalformed, s)
	}
	return n, nil
}

// Origin is the name of a poll's log: NAME/POLL/LINEAGE.
type Origin struct {
	Log     string // the cluster's, as in --log-name
	Poll    string // id of the poll
	Lineage string // "1", or such as "r90210-k2j4mq" and "c90211-k2j4mq" after a restore or recovery: log index and cluster
}

// String returns the origin as it stands in checkpoints.
func (o Origin) String() string { return o.Log + "/" + o.Poll + "/" + o.Lineage }

// ParseOrigin reads what String wrote. It fails with ErrMalformed if a part is missing.
func ParseOrigin(s string) (Origin, error) {
	rest, lineage, _ := cutLast(s)
	log, poll, ok := cutLast(rest)
	if !ok || log == "" || poll == "" || lineage == "" {
		return Origin{}, fmt.Errorf("%w: %.120q is not the name of a poll's log, which is NAME/POLL/LINEAGE", ErrMalformed, s)
	}
	return Origin{log, poll, lineage}, nil
}

func cutLast(s string) (before, after string, ok bool) {
	at := strings.LastIndexByte(s, '/')
	if at < 0 {
		return s, "", false
	}
	return s[:at], s[at+1:], true
}
