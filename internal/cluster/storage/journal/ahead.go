package journal

import "time"

// order has the next segment made, unless enough are ready, and takes one that was made.
func (j *Journal) order() {
	select {
	case m := <-j.maker.made:
		_ = j.take(m) // an append that needs the segment tries again, and fails
	default:
	}
	if j.making || len(j.ready) >= ahead || time.Now().Before(j.again) {
		return
	}
	j.making = true
	number, log := j.tail().number+uint64(len(j.ready))+1, j.sectors()
	j.maker.do(func() { j.maker.make(number, log) })
}

// sectors is the size of the segments in use.
func (j *Journal) sectors() (n uint32) {
	for _, s := range j.segments {
		n += s.sectors
	}
	return n
}

// take takes what the maker has made.
func (j *Journal) take(m made) error {
	j.making = false
	if m.err != nil {
		j.again = time.Now().Add(fullPause)
		return m.err
	}
	j.ready = append(j.ready, m.segment)
	return nil
}

// advance begins the next segment, which has room for at least that many bytes of
// records.
func (j *Journal) advance(need int) (err error) {
	if tail := j.tail(); tail.batches == 0 { // no segment in use may be empty
		j.segments[len(j.segments)-1], err = j.bigger(tail, need)
		return err
	}
	if len(j.ready) == 0 && j.making {
		_ = j.take(<-j.maker.made) // if it failed, the next attempt says why
	}
	if len(j.ready) == 0 {
		j.again = time.Time{}
		j.order()
		if err := j.take(<-j.maker.made); err != nil {
			return err
		}
	}
	if j.ready[0].room() < need {
		if j.ready[0], err = j.bigger(j.ready[0], need); err != nil {
			return err
		}
	}
	j.segments, j.ready = append(j.segments, j.ready[0]), j.ready[1:]
	return nil
}

// bigger makes a segment with room for that many bytes of records, and puts it in the
// place of one that is not used yet. After an error that one is still there.
func (j *Journal) bigger(unused *segment, need int) (*segment, error) {
	s, err := makeSegment(j.in, biggerPrefix, j.id, unused.number, sectorsFor(batchHead+need)+1, nil)
	if err != nil {
		return unused, err
	}
	_ = unused.file.Close() // it was replaced
	return s, nil
}

// retire gives up the oldest segments.
func (j *Journal) retire(n int) {
	if n == 0 {
		return
	}
	old := append([]*segment(nil), j.segments[:n]...)
	j.segments = append([]*segment(nil), j.segments[n:]...)
	j.maker.do(func() { j.maker.retire(old) })
}
