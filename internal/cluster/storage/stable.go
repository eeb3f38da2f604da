package storage

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
)

// The keys under which raft persists a vote, in this order and as two writes.
const (
	keyVoteTerm      = "LastVoteTerm"
	keyVoteCandidate = "LastVoteCand"
	keyCurrentTerm   = "CurrentTerm"
	// keyWrites counts how often the values were written; see mark.
	keyWrites = "storage/writes"
	// keyLog names the log in the directory log, and its format; see logName.
	keyLog = "storage/log"
)

// keyTable is the only key in the file's bucket of values.
const keyTable = "stable"

// stableTable keeps all named values as one value, for two reasons.
//
// A vote is one write. raft stores the term of a vote and then its candidate. After a
// crash in between, the new term would be stored with the old candidate, and a repeated
// request of that candidate would be granted: a second vote in one term. Here the term
// waits in memory for the candidate, and both go to disk together. raft writes one
// directly after the other from one goroutine, and answers the candidate only after the
// second.
//
// A single value cannot get lost: there is one key, whose name is known, and one
// checksum over everything.
//
// Only the disk goroutine calls it, so it needs no lock.
type stableTable struct {
	engine
	voteTerm    uint64
	votePending bool
}

// SetUint64 implements raft.StableStore. It holds a vote's term back until the
// candidate comes.
func (t *stableTable) SetUint64(key []byte, value uint64) error {
	if string(key) == keyVoteTerm {
		t.voteTerm, t.votePending = value, true
		return nil
	}
	return t.Set(key, binary.BigEndian.AppendUint64(nil, value))
}

// Set implements raft.StableStore. It writes a vote's candidate together with the term.
func (t *stableTable) Set(key, value []byte) error {
	table, err := t.load()
	if err != nil {
		return err
	}
	table[string(key)] = value
	vote := string(key) == keyVoteCandidate
	if vote {
		if !t.votePending {
			return fmt.Errorf("raft named a candidate (%q) without the term of the vote", value)
		}
		table[keyVoteTerm] = binary.BigEndian.AppendUint64(nil, t.voteTerm)
	}
	writes, err := numberOf(keyWrites, table[keyWrites])
	if err != nil {
		return err
	}
	table[keyWrites] = binary.BigEndian.AppendUint64(nil, writes+1)
	if err := t.engine.Set([]byte(keyTable), encodeTable(table)); err != nil {
		return err
	}
	if vote {
		t.votePending = false
	}
	return nil
}

// Get implements raft.StableStore.
func (t *stableTable) Get(key []byte) ([]byte, error) {
	table, err := t.load()
	if err != nil {
		return nil, err
	}
	value, ok := table[string(key)]
	if !ok {
		return nil, errNotFound
	}
	return value, nil
}

// GetUint64 implements raft.StableStore.
func (t *stableTable) GetUint64(key []byte) (uint64, error) {
	value, err := t.Get(key)
	if err != nil {
		return 0, err
	}
	return numberOf(string(key), value)
}

// writes returns how often the values were written, since counting began.
func (t *stableTable) writes() (uint64, error) {
	table, err := t.load()
	if err != nil {
		return 0, err
	}
	return numberOf(keyWrites, table[keyWrites])
}

// numberOf reads a stored number. An empty value is 0.
func numberOf(key string, value []byte) (uint64, error) {
	switch len(value) {
	case 0:
		return 0, nil
	case 8:
		return binary.BigEndian.Uint64(value), nil
	}
	return 0, fmt.Errorf("%w: the stored value %q has %d bytes where a number has 8", ErrDamaged, key, len(value))
}

func (t *stableTable) load() (map[string][]byte, error) {
	b, err := t.engine.Get([]byte(keyTable))
	if err != nil {
		if isAnswer(err) {
			return map[string][]byte{}, nil
		}
		return nil, err
	}
	return decodeTable(b)
}

// encodeTable writes names and values in the order of the names, each preceded by its
// length.
func encodeTable(table map[string][]byte) []byte {
	var b []byte
	for _, name := range slices.Sorted(maps.Keys(table)) {
		b = binary.AppendUvarint(b, uint64(len(name)))
		b = append(b, name...)
		b = binary.AppendUvarint(b, uint64(len(table[name])))
		b = append(b, table[name]...)
	}
	return b
}

func decodeTable(b []byte) (map[string][]byte, error) {
	table := map[string][]byte{}
	next := func() ([]byte, bool) {
		n, used := binary.Uvarint(b)
		if used <= 0 || n > uint64(len(b)-used) {
			return nil, false
		}
		part := b[used : used+int(n) : used+int(n)]
		b = b[used+int(n):]
		return part, true
	}
	for len(b) > 0 {
		name, ok := next()
		value, ok2 := next()
		if !ok || !ok2 {
			return nil, fmt.Errorf("%w: the stored values are unreadable", ErrDamaged)
		}
		table[string(name)] = value
	}
	return table, nil
}
