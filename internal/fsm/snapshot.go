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

// SnapshotVersion is the number of the snapshot format that this build writes, and the
// highest it reads. It is about how sections are put together; the format level is
// about their content.
const SnapshotVersion = 1

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
// in this order: the id of the cluster, the state, join tokens; then for each poll its
// header, its roll, its records in pieces that do not split a record and, if it is
// open, its voter ids; the journal, from poll.EventsLevel on and if it is not empty;
// scheduled commands, from poll.ScheduleLevel on and if there were any; webhooks and alarms,
// from poll.WebhookLevel on and if there were any;
// finally the end, whose content is the number of sections before it.
const snapshotMagic = "VOTEDSNP"

const (
	sectionCluster = 'c'
	sectionState   = 's'
	sectionPoll    = 'p'
	sectionRecords = 'r'
	sectionNames   = 'n'
	sectionRoll    = 'v'
	sectionTokens  = 't'
	sectionJournal = 'j'
	sectionTasks   = 'q'
	sectionHooks   = 'w'
	sectionAlarms  = 'a'
	sectionEnd     = 'e'
)

// nameBytes is the size at which a piece of voter ids is written.
const nameBytes = 256 << 10

// WriteSnapshot writes the view as that of the cluster with this id. It holds the lock
// only while it captures a poll.
func WriteSnapshot(w io.Writer, cluster string, v *poll.View, lock sync.Locker) error {
	s := &sectionWriter{w: bufio.NewWriterSize(w, 1<<20)}
	s.raw([]byte(snapshotMagic))
	s.raw(binary.LittleEndian.AppendUint16(nil, SnapshotVersion))
	s.section(sectionCluster, []byte(cluster))
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
	s.section(sectionTokens, v.AppendTokens(nil))
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
	if v.HasJournal() {
		s.section(sectionJournal, v.AppendJournal(nil))
	}
	if v.HasTasks() {
		s.section(sectionTasks, v.AppendTasks(nil, taskCodec))
	}
	if v.HasEndpoints() {
		s.section(sectionHooks, v.AppendEndpoints(nil))
	}
	if v.HasAlarms() {
		s.section(sectionAlarms, v.AppendAlarms(nil))
	}
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

// ReadSnapshot reads a whole snapshot and checks it to its end. It returns the state
// and the id of its cluster. Errors name the section that is damaged or missing.
func ReadSnapshot(r io.Reader) (state *poll.State, cluster string, err error) {
	return readSnapshot(r, Reads(), "")
}

// ErrOtherCluster: a snapshot is of another cluster than this member.
var ErrOtherCluster = errors.New("it is of another cluster")

// readSnapshot is ReadSnapshot up to a format level. If of is not empty, a snapshot of
// any other cluster is refused.
func readSnapshot(r io.Reader, reads uint32, of string) (state *poll.State, cluster string, err error) {
	s := &sectionReader{r: bufio.NewReaderSize(r, 128<<10), reads: reads}
	if err := s.magic(); err != nil {
		return nil, "", err
	}
	id, err := s.expect(sectionCluster)
	if err != nil {
		return nil, "", err
	}
	if cluster = string(id); of != "" && cluster != of {
		return nil, cluster, fmt.Errorf("%w (%s), but this member belongs to cluster %s: it was copied into the data directory from elsewhere", ErrOtherCluster, cluster, of)
	}
	if state, err = s.readState(); err != nil {
		return nil, cluster, err
	}
	return state, cluster, s.end()
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
	if l.Level() > s.reads {
		return nil, fmt.Errorf("its format level is %d and this build reads up to %d; upgrade voted", l.Level(), s.reads)
	}
	tokens, err := s.expect(sectionTokens)
	if err != nil {
		return nil, err
	}
	if err := l.Tokens(tokens); err != nil {
		return nil, err
	}
	for range l.Polls() {
		if err := s.poll(l); err != nil {
			return nil, err
		}
	}
	if err := s.optional(sectionJournal, l.Journal); err != nil {
		return nil, err
	}
	if err := s.optional(sectionTasks, func(raw []byte) error { return l.Tasks(raw, taskCodec) }); err != nil {
		return nil, err
	}
	if err := s.optional(sectionHooks, l.Endpoints); err != nil {
		return nil, err
	}
	if err := s.optional(sectionAlarms, l.Alarms); err != nil {
		return nil, err
	}
	return l.State()
}

// taskCodec encodes scheduled commands as members send them to each other.
var taskCodec = poll.TaskCodec{
	AppendCommand: EncodeRequest, Command: DecodeRequest, AppendResult: EncodeResult, Result: DecodeResult,
}

// optional reads a section if it comes next.
func (s *sectionReader) optional(kind byte, load func(raw []byte) error) error {
	if next, err := s.peek(); err != nil || next != kind {
		return err
	}
	raw, err := s.expect(kind)
	if err != nil {
		return err
	}
	return load(bytes.Clone(raw)) // decoded commands share its memory, and the buffer is used again
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

// pieces reads that many records of one size, from sections that hold whole records.
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
		return errors.New("there are bytes after its end")
	case !errors.Is(err, io.EOF):
		return err
	}
	return nil
}

type sectionReader struct {
	r        *bufio.Reader
	buf      bytes.Buffer // content of the current section
	reads    uint32       // format level
	sections uint64
	sum      uint32    // of all sections so far
	offset   int64     // bytes read
	whole    hash.Hash // of all bytes read; nil if not needed
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
	if v := binary.LittleEndian.Uint16(head[len(snapshotMagic):]); v == 0 || v > SnapshotVersion {
		return fmt.Errorf("its format %d is not known to this build (it reads up to %d); upgrade voted", v, SnapshotVersion)
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

// expect reads the next section, which must be of this kind. The content is valid until
// the next call.
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
	// It grows with the bytes that are there, not with a length that may be damaged.
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
		return fail(fmt.Errorf("there is a section of kind %q in its place", got))
	}
	s.sections++
	return s.buf.Bytes(), nil
}
