package fsm

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"sync"

	"voted/internal/poll"
)

// The numbers of the snapshot format. A state of the first level is written as the
// builds read it that know no levels; later the state's header ends with its level.
const (
	snapshotFirst    = 1
	snapshotLevelled = 2
)

// A snapshot is a magic, a version, and sections:
//
//	8        "VOTEDSNP"
//	2        version, little-endian
//	sections
//	  1        kind
//	  uvarint  length
//	  …        content
//	  4        CRC-32C of kind and content of this section and all before it,
//	           little-endian: a section in another's place does not fit
//
// in the order: state, join tokens where there are any, then for each poll its header, its roll and its records in pieces of
// whole ones and, where it is open, its voter ids; at last end, whose content is the
// number of sections before it.
const snapshotMagic = "VOTEDSNP"

const (
	sectionState   = 's'
	sectionPoll    = 'p'
	sectionRecords = 'r'
	sectionNames   = 'n'
	sectionRoll    = 'v'
	sectionTokens  = 't'
	sectionEnd     = 'e'
)

// nameBytes is how large a piece of voter ids grows before it is written.
const nameBytes = 256 << 10

// WriteSnapshot writes the view. The lock is held only while a poll is captured.
func WriteSnapshot(w io.Writer, v *poll.View, lock sync.Locker) error {
	s := &sectionWriter{w: bufio.NewWriterSize(w, 1<<20)}
	s.raw([]byte(snapshotMagic))
	s.raw(binary.LittleEndian.AppendUint16(nil, snapshotVersion(v)))
	s.state(v, lock)
	s.section(sectionEnd, binary.AppendUvarint(nil, s.sections))
	if s.err != nil {
		return s.err
	}
	return s.w.Flush()
}

// state writes the sections of a view.
func (s *sectionWriter) state(v *poll.View, lock sync.Locker) {
	s.section(sectionState, v.AppendHeader(nil))
	if tokens := v.AppendTokens(nil); tokens != nil {
		s.section(sectionTokens, tokens)
	}
	var header []byte
	for n := range v.Len() {
		lock.Lock()
		c := v.Poll(n)
		lock.Unlock()
		header = c.AppendHeader(header[:0])
		s.section(sectionPoll, header)
		c.RollSpans(func(raw []byte) { s.section(sectionRoll, raw) })
		c.Spans(func(raw []byte) { s.section(sectionRecords, raw) })
		if c.Rules().Secrecy == poll.Open {
			s.names(&c)
		}
		if s.err != nil {
			return
		}
	}
}

func snapshotVersion(v *poll.View) uint16 {
	if v.Level() > poll.FirstLevel {
		return snapshotLevelled
	}
	return snapshotFirst
}

type sectionWriter struct {
	w        *bufio.Writer
	sections uint64
	sum      uint32 // of all sections so far
	err      error
}

func (s *sectionWriter) raw(b []byte) {
	if s.err == nil {
		_, s.err = s.w.Write(b)
	}
}

func (s *sectionWriter) section(kind byte, content []byte) {
	var head [1 + binary.MaxVarintLen64]byte
	head[0] = kind
	s.raw(head[:1+binary.PutUvarint(head[1:], uint64(len(content)))])
	s.raw(content)
	var sum [4]byte
	s.sum = sectionSum(s.sum, kind, content)
	binary.LittleEndian.PutUint32(sum[:], s.sum)
	s.raw(sum[:])
	s.sections++
}

// sectionSum continues the checksum of the sections before.
func sectionSum(before uint32, kind byte, content []byte) uint32 {
	return crc32.Update(crc32.Update(before, castagnoli, []byte{kind}), castagnoli, content)
}

func (s *sectionWriter) names(c *poll.Capture) {
	var piece []byte
	for voter := range c.Names() {
		piece = appendString(piece, voter)
		if len(piece) >= nameBytes {
			s.section(sectionNames, piece)
			piece = piece[:0]
		}
	}
	if len(piece) > 0 {
		s.section(sectionNames, piece)
	}
}

// ReadSnapshot reads a whole snapshot and checks it to its end. Errors name the
// section that is damaged or missing.
func ReadSnapshot(r io.Reader) (*poll.State, error) {
	s := &sectionReader{r: bufio.NewReaderSize(r, 128<<10)}
	if err := s.magic(); err != nil {
		return nil, err
	}
	state, err := s.readState()
	if err != nil {
		return nil, err
	}
	if (s.version == snapshotLevelled) != (state.Level() > poll.FirstLevel) {
		return nil, fmt.Errorf("its format is %d and its level %d, which do not belong together", s.version, state.Level())
	}
	return state, s.end()
}

// readState reads the sections of a state.
func (s *sectionReader) readState() (*poll.State, error) {
	header, err := s.expect(sectionState)
	if err != nil {
		return nil, err
	}
	l, err := poll.NewLoader(header)
	if err != nil {
		return nil, err
	}
	if l.Level() > Reads() {
		return nil, fmt.Errorf("its format level is %d and this build reads up to %d; upgrade voted", l.Level(), Reads())
	}
	if err := s.tokens(l); err != nil {
		return nil, err
	}
	for range l.Polls() {
		if err := s.poll(l); err != nil {
			return nil, err
		}
	}
	return l.State()
}

// tokens reads the join tokens, where the next section holds them.
func (s *sectionReader) tokens(l *poll.Loader) error {
	if next, err := s.r.Peek(1); err != nil || next[0] != sectionTokens {
		return nil // what is there instead is read next
	}
	raw, err := s.expect(sectionTokens)
	if err != nil {
		return err
	}
	return l.Tokens(raw)
}

func (s *sectionReader) poll(l *poll.Loader) error {
	header, err := s.expect(sectionPoll)
	if err != nil {
		return err
	}
	p, err := l.Poll(header)
	if err != nil {
		return err
	}
	if err := s.pieces(sectionRoll, p.RollEntries(), poll.RollEntryBytes, p.AddRoll); err != nil {
		return err
	}
	if err := s.pieces(sectionRecords, p.Records(), poll.RecordBytes, p.Add); err != nil {
		return err
	}
	if p.HasNames() {
		if err := s.names(p); err != nil {
			return err
		}
	}
	return p.Done()
}

// pieces reads as many records of one size, in sections of whole ones.
func (s *sectionReader) pieces(kind byte, records uint32, size int, add func(raw []byte) error) error {
	for left := int64(records); left > 0; {
		raw, err := s.expect(kind)
		if err != nil {
			return err
		}
		if err := add(raw); err != nil {
			return err
		}
		if left -= int64(len(raw) / size); len(raw) == 0 {
			return fmt.Errorf("section %d is empty: %w", s.sections, poll.ErrTruncated)
		}
	}
	return nil
}

func (s *sectionReader) names(p *poll.PollLoader) error {
	for left := int64(p.Records()); left > 0; {
		piece, err := s.expect(sectionNames)
		if err != nil {
			return err
		}
		c := poll.NewCursor(piece)
		for ; c.Len() > 0; left-- {
			p.AddName(c.String())
		}
		if c.Err() != nil {
			return c.Err()
		}
	}
	return nil
}

func (s *sectionReader) end() error {
	before := s.sections
	content, err := s.expect(sectionEnd)
	if err != nil {
		return err
	}
	if n, _ := binary.Uvarint(content); n != before {
		return fmt.Errorf("it ends after %d of %d sections: %w", before, n, poll.ErrTruncated)
	}
	return s.atEOF()
}

func (s *sectionReader) atEOF() error {
	_, err := s.r.ReadByte()
	switch {
	case err == nil:
		return errors.New("there are bytes behind its end")
	case !errors.Is(err, io.EOF):
		return err
	}
	return nil
}

type sectionReader struct {
	r        *bufio.Reader
	buf      bytes.Buffer // content of the current section
	version  uint16
	sections uint64
	sum      uint32    // of all sections so far
	offset   int64     // bytes read
	whole    hash.Hash // of all bytes read; nil where nobody asks for it
}

func (s *sectionReader) magic() error {
	var head [len(snapshotMagic) + 2]byte
	if _, err := io.ReadFull(s.r, head[:]); err != nil {
		return fmt.Errorf("it has no beginning: %w", err)
	}
	if string(head[:len(snapshotMagic)]) != snapshotMagic {
		return errors.New("it is not a voted snapshot")
	}
	s.passed(head[:])
	s.version = binary.LittleEndian.Uint16(head[len(snapshotMagic):])
	if s.version < snapshotFirst || s.version > snapshotLevelled || s.version > snapshotFirst && Reads() < LevelOf(poll.Raise{}) {
		return fmt.Errorf("its format %d is not known to this build (it reads up to %d); upgrade voted", s.version, snapshotLevelled)
	}
	return nil
}

// peek returns the kind of the next section.
func (s *sectionReader) peek() (byte, error) {
	b, err := s.r.Peek(1)
	if err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return 0, fmt.Errorf("it ends at byte %d, after %d sections, without its end: %w", s.offset, s.sections, err)
	}
	if kindNames[b[0]] == "" {
		return 0, fmt.Errorf("section %d at byte %d: there is no kind %q: %w", s.sections, s.offset, b[0], errDamaged)
	}
	return b[0], nil
}

// expect reads the next section, which must be of a kind. The content is valid
// until the next call.
func (s *sectionReader) expect(kind byte) ([]byte, error) {
	at := s.offset
	fail := func(err error) ([]byte, error) {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, fmt.Errorf("section %d (%s) at byte %d: %w", s.sections, kindNames[kind], at, err)
	}
	got, err := s.r.ReadByte()
	if err != nil {
		return fail(err)
	}
	length, err := binary.ReadUvarint(s.r)
	if err != nil {
		return fail(err)
	}
	s.buf.Reset()
	// Grows with what is there, not with what a damaged length claims.
	if _, err := io.CopyN(&s.buf, s.r, int64(min(length, 1<<40))); err != nil {
		return fail(err)
	}
	var sum [4]byte
	if _, err := io.ReadFull(s.r, sum[:]); err != nil {
		return fail(err)
	}
	var head [1 + binary.MaxVarintLen64]byte
	head[0] = got
	s.passed(head[:1+binary.PutUvarint(head[1:], length)])
	s.passed(s.buf.Bytes())
	s.passed(sum[:])
	s.sum = sectionSum(s.sum, got, s.buf.Bytes())
	if s.sum != binary.LittleEndian.Uint32(sum[:]) {
		return fail(errDamaged)
	}
	if got != kind {
		return fail(fmt.Errorf("a section of kind %q stands in its place", got))
	}
	s.sections++
	return s.buf.Bytes(), nil
}
