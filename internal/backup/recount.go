package backup

import (
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"

	"voted/internal/poll"
	"voted/internal/tally"
)

// recounted is a poll that was counted again.
type recounted struct {
	info    poll.Info
	profile tally.Profile
	result  tally.Result
}

// recount counts a poll again from the raw records of its box and its roll alone, with a
// map and a loop: it shares only the format of a record with the server. The result is
// compared with what the server would answer.
func recount(s *poll.State, id string) (again recounted, err error) {
	c, info, refused := s.Capture(id)
	if refused != nil {
		return again, refused
	}
	again.info = info
	r := recounter{capture: &c, rules: c.Rules(), backup: s.Index(), last: map[poll.VoterKey]entry{}, weights: map[poll.VoterKey]int64{}}
	c.RollSpans(r.roll)
	c.Spans(r.box)
	if r.rules.Secrecy == poll.Open {
		r.names()
	}
	if r.err != nil {
		return again, r.err
	}
	if uint64(len(r.last)) != info.Ballots {
		return again, fmt.Errorf("its records are of %d voters, and it counts %d", len(r.last), info.Ballots)
	}
	if again.profile, err = r.profile(); err != nil {
		return again, err
	}
	method, known := tally.ByName(r.rules.Method)
	if !known {
		return again, fmt.Errorf("the method %s is not known to this program", r.rules.Method)
	}
	result := method.FromProfile(again.profile, info.Settings())
	count, refused := s.Count(id)
	if refused != nil {
		return again, refused
	}
	if told := count.Tabulate(); told.Ballots != result.Ballots || !reflect.DeepEqual(told.Options, result.Options) || !reflect.DeepEqual(told.Winners, result.Winners) {
		return again, fmt.Errorf("counted again it has %+v, and the server would answer %+v", result, told)
	}
	again.result = result
	return again, nil
}

// entry is a voter's last record.
type entry struct{ number, selections, version uint32 }

type recounter struct {
	capture *poll.Capture
	rules   *poll.Rules
	backup  uint64 // log index of the backup
	last    map[poll.VoterKey]entry
	weights map[poll.VoterKey]int64
	keys    []poll.VoterKey // of the records of an open poll, in order
	number  uint32
	index   uint64 // of the record before
	err     error
}

// roll reads entries: the key, and in 64 bits the weight in the lowest 20.
func (r *recounter) roll(raw []byte) {
	for ; len(raw) >= poll.RollEntryBytes; raw = raw[poll.RollEntryBytes:] {
		r.weights[poll.VoterKey(raw[:16])] = int64(binary.LittleEndian.Uint64(raw[16:]) & (1<<20 - 1))
	}
}

// box reads records as poll.RecordBytes describes them. The versions of a voter's records
// must have no gap, and log indexes must never fall.
func (r *recounter) box(raw []byte) {
	for ; len(raw) >= poll.RecordBytes && r.err == nil; raw = raw[poll.RecordBytes:] {
		r.number++
		key := poll.VoterKey(raw[:16])
		now := entry{r.number, binary.LittleEndian.Uint32(raw[16:]), binary.LittleEndian.Uint32(raw[20:])}
		supersedes := binary.LittleEndian.Uint32(raw[24:])
		index := uint64(binary.LittleEndian.Uint32(raw[28:])) | uint64(binary.LittleEndian.Uint16(raw[32:]))<<32
		before := r.last[key] // version 0 if there is none
		switch {
		case now.version != before.version+1 || supersedes != before.number:
			r.err = fmt.Errorf("record %d is version %d after record %d, and its voter's last is version %d in record %d", r.number, now.version, supersedes, before.version, before.number)
		case index < r.index || index > r.backup:
			r.err = fmt.Errorf("record %d stands at log index %d, after %d and in a backup of %d", r.number, index, r.index, r.backup)
		case r.capture.Selections(now.selections) == nil:
			r.err = fmt.Errorf("record %d holds selections that are not there", r.number)
		}
		r.last[key], r.index = now, index
		if r.rules.Secrecy == poll.Open {
			r.keys = append(r.keys, key)
		}
	}
}

// names checks the voter ids of an open poll against the keys in its records.
func (r *recounter) names() {
	n := 0
	for voter := range r.capture.Names() {
		if n >= len(r.keys) || r.rules.Key(voter) != r.keys[n] {
			r.err = errors.Join(r.err, fmt.Errorf("record %d does not belong to the voter it names", n+1))
			return
		}
		n++
	}
}

// profile groups the ballots that count by their selections.
func (r *recounter) profile() (tally.Profile, error) {
	sums := map[uint32]int64{}
	for key, e := range r.last {
		weight := int64(1)
		if r.rules.Eligibility == poll.OnRoll {
			weight = r.weights[key]
		}
		if weight <= 0 {
			return tally.Profile{}, fmt.Errorf("record %d is of a voter who was never on the roll", e.number)
		}
		sums[e.selections] += weight
	}
	p := tally.Profile{Options: len(r.rules.Options)}
	for n := uint32(0); r.capture.Selections(n) != nil; n++ { // in their order, so that equal backups give equal answers
		if sums[n] == 0 {
			continue
		}
		preference, ok := r.rules.Decode(r.capture.Selections(n))
		if !ok {
			return p, fmt.Errorf("selections %d do not follow the poll's rules", n)
		}
		p.Groups = append(p.Groups, tally.Group{Preference: preference, Weight: sums[n]})
	}
	return p, nil
}
