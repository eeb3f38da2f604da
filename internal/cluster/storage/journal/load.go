package journal

import (
	"slices"
	"strings"
)

// load opens and reads all segments.
func (j *Journal) load() error {
	numbers, err := j.tidy()
	if err != nil {
		return err
	}
	if len(numbers) == 0 {
		return damaged("", "the log has no segment")
	}
	var buffer []byte
	needed := uint64(1) // the segment with which the log begins, as the newest prefix record says
	begun := true       // the segments so far are all in use
	for i, number := range numbers {
		if i > 0 && number != numbers[i-1]+1 {
			return damaged(nameOf(numbers[i-1]+1), "the segment is missing")
		}
		s, err := openSegment(j.in, j.id, number)
		if err != nil {
			return err
		}
		if i == 0 || begun {
			j.segments = append(j.segments, s)
		} else {
			j.ready = append(j.ready, s)
		}
		if buffer, err = s.scan(buffer, j.replayed(s, numbers[0], &needed)); err != nil {
			return err
		}
		if i > 0 && (s.batches > 0 || s.torn > 0) && (!begun || j.torn != nil) {
			return damaged(nameOf(number-1), "the end of the segment is missing, and the next one is in use")
		}
		if s.batches == 0 && begun && i > 0 { // made ahead
			j.segments, j.ready = j.segments[:len(j.segments)-1], []*segment{s}
		}
		begun = begun && s.batches > 0
		if s.torn > 0 {
			j.torn = s
		}
		if s.batches > 0 {
			j.chain = s.sum
		}
	}
	if numbers[0] > needed {
		return damaged(nameOf(needed), "the segment is missing")
	}
	j.spared = int(min(needed, j.tail().number) - numbers[0])
	return nil
}

// tidy removes files that were not finished, and returns the numbers of the segments in
// order.
func (j *Journal) tidy() ([]uint64, error) {
	names, err := j.in.list()
	if err != nil {
		return nil, err
	}
	var numbers []uint64
	for _, name := range names {
		if n := numberOf(name); n != 0 {
			numbers = append(numbers, n)
		} else if strings.HasPrefix(name, newPrefix) || strings.HasPrefix(name, sparePrefix) {
			if err := j.in.remove(name); err != nil {
				return nil, err
			}
		}
	}
	slices.Sort(numbers)
	return numbers, nil
}

// replayed returns a function that takes each batch of a segment into the index.
func (j *Journal) replayed(s *segment, oldest uint64, needed *uint64) func(head, []byte, uint32) error {
	return func(h head, records []byte, at uint32) error {
		chain := j.chain
		if s.batches > 0 {
			chain = s.sum
		}
		first := j.number == 0 && s.batches == 0 && s.number == oldest
		if first && oldest > 1 { // what was before it is gone
			j.number, chain = h.number-1, h.chain
		}
		if s.batches == 0 && h.number > j.number+1 {
			return damaged(nameOf(s.number-1), "the segment ends with batch %d of the log, and the next one begins with batch %d; was an old copy put back?", j.number, h.number)
		}
		if h.number != j.number+1 || h.chain != chain {
			return s.damagedAt(s.end, "begins batch %d of the log, which does not follow batch %d; was an old copy put back?", h.number, j.number)
		}
		j.number = h.number
		for len(records) > 0 {
			r, err := nextRecord(records)
			if err != nil {
				return s.damagedAt(s.end, "begins a batch that %v", err)
			}
			switch r.kind {
			case kindEntry:
				if r.index == 0 || len(j.entries) > 0 && r.index != j.last()+1 {
					return s.damagedAt(s.end, "begins a batch with entry %d, which does not follow entry %d", r.index, j.last())
				}
				if len(j.entries) == 0 {
					j.first = r.index
				}
				j.entries = append(j.entries, place{s, at, uint32(r.bytes)})
			case kindSuffix:
				j.cutSuffix(r.index)
			case kindPrefix:
				if r.segment > s.number {
					return s.damagedAt(s.end, "begins a batch that names segment %d, which comes later", r.segment)
				}
				j.cutPrefix(r.index)
				*needed = r.segment
			}
			records, at = records[r.bytes:], at+uint32(r.bytes)
		}
		return nil
	}
}
