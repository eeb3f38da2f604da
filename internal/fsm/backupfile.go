package fsm

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"voted/internal/poll"
)

// BackupVersion is the number of the backup format that this build writes, and the
// highest it reads.
const BackupVersion = 1

// A backup is a magic, a version, and sections as in a snapshot: a header, the state as
// in a snapshot, and an end that proves that nothing is missing:
//
//	8        "VOTEDBAK"
//	2        version, little-endian
//	section  'h': BackupInfo as JSON
//	sections of the state, see snapshotMagic
//	section  'e': the number of sections before it as a uvarint, and the SHA-256 of all bytes before it
const (
	backupMagic   = "VOTEDBAK"
	sectionHeader = 'h'
)

// BackupInfo is a backup's header.
type BackupInfo struct {
	Format  int       `json:"format"`
	Cluster string    `json:"cluster"` // its id
	Members []string  `json:"members"` // ids of the cluster's members
	Node    string    `json:"node"`    // that made it
	Version string    `json:"version"` // of its program
	Time    time.Time `json:"time"`    // by its clock
	Index   uint64    `json:"index"`   // log index of the state in the backup
	Digest  string    `json:"digest"`  // of the state at that index, hexadecimal
}

// Errors of files that are given as backups.
var (
	ErrNotBackup   = errors.New("it is not a backup made by voted; give the file that `voted backup` wrote")
	ErrNewerBackup = errors.New("its format is newer than this program reads; use the version of voted that made it, or a newer one")
)

// IsBackup reports whether a file begins as a backup does.
func IsBackup(beginning []byte) bool { return bytes.HasPrefix(beginning, []byte(backupMagic)) }

// WriteBackup writes the view. It holds the lock only while it captures a poll.
func WriteBackup(w io.Writer, info BackupInfo, v *poll.View, lock sync.Locker) error {
	info.Format = BackupVersion
	head, err := json.Marshal(info)
	if err != nil {
		return err
	}
	sum := sha256.New()
	s := &sectionWriter{w: bufio.NewWriterSize(io.MultiWriter(w, sum), 256<<10)}
	s.raw([]byte(backupMagic))
	s.raw(binary.LittleEndian.AppendUint16(nil, BackupVersion))
	s.section(sectionHeader, head)
	s.state(v, lock)
	if s.err == nil {
		s.err = s.w.Flush()
	}
	s.section(sectionEnd, sum.Sum(binary.AppendUvarint(nil, s.sections)))
	if s.err != nil {
		return s.err
	}
	return s.w.Flush()
}

// ReadBackup reads a whole backup, checks it to its end, and rebuilds the state.
// Errors name the section that is damaged or missing, and where it begins.
func ReadBackup(r io.Reader) (BackupInfo, *poll.State, error) {
	s, info, err := openBackup(r)
	if err != nil {
		return info, nil, err
	}
	state, err := s.readState()
	if err == nil {
		err = s.backupEnd()
	}
	if err != nil {
		return info, nil, err
	}
	digest := state.Digest()
	if state.Index() != info.Index || fmt.Sprintf("%x", digest) != info.Digest {
		return info, nil, fmt.Errorf("its header names log index %d and digest %s, but its state is at %d with %x", info.Index, info.Digest, state.Index(), digest)
	}
	return info, state, nil
}

// CheckBackup reads a whole backup and checks that it is as it was written, without
// rebuilding the state.
func CheckBackup(r io.Reader) (BackupInfo, error) {
	s, info, err := openBackup(r)
	for err == nil {
		var kind byte
		if kind, err = s.peek(); err != nil {
			return info, err
		}
		if kind == sectionEnd {
			return info, s.backupEnd()
		}
		_, err = s.expect(kind)
	}
	return info, err
}

func openBackup(r io.Reader) (*sectionReader, BackupInfo, error) {
	s := &sectionReader{r: bufio.NewReaderSize(r, 128<<10), reads: Reads(), whole: sha256.New()}
	var info BackupInfo
	var head [len(backupMagic) + 2]byte
	if n, err := io.ReadFull(s.r, head[:]); err != nil {
		if n == 0 || !bytes.HasPrefix([]byte(backupMagic), head[:min(n, len(backupMagic))]) {
			return s, info, ErrNotBackup
		}
		return s, info, fmt.Errorf("it ends within its first bytes: %w", io.ErrUnexpectedEOF)
	}
	if string(head[:len(backupMagic)]) != backupMagic {
		return s, info, ErrNotBackup
	}
	if v := binary.LittleEndian.Uint16(head[len(backupMagic):]); v > BackupVersion {
		return s, info, fmt.Errorf("%w (format %d; this one reads up to %d)", ErrNewerBackup, v, BackupVersion)
	} else if v == 0 {
		return s, info, errors.New("it has no format number: its beginning is damaged")
	}
	s.passed(head[:])
	raw, err := s.expect(sectionHeader)
	if err != nil {
		return s, info, err
	}
	if err := json.Unmarshal(raw, &info); err != nil {
		return s, info, fmt.Errorf("its header cannot be read: %w", err)
	}
	return s, info, nil
}

// backupEnd reads the end and checks what it records.
func (s *sectionReader) backupEnd() error {
	before, sum := s.sections, s.whole.Sum(nil)
	content, err := s.expect(sectionEnd)
	if err != nil {
		return err
	}
	n, used := binary.Uvarint(content)
	switch {
	case used <= 0 || n != before:
		return fmt.Errorf("it ends after %d of %d sections: %w", before, n, poll.ErrTruncated)
	case !bytes.Equal(content[used:], sum):
		return fmt.Errorf("its SHA-256 is %x, but its end says %x: %w", sum, content[used:], errDamaged)
	}
	return s.atEOF()
}

// passed counts and hashes bytes that have been read.
func (s *sectionReader) passed(b []byte) {
	s.offset += int64(len(b))
	if s.whole != nil {
		s.whole.Write(b)
	}
}

// kindNames are the kinds of section, for error sentences.
var kindNames = map[byte]string{
	sectionHeader: "header", sectionCluster: "cluster", sectionState: "state", sectionPoll: "poll", sectionRecords: "ballots",
	sectionNames: "voters", sectionRoll: "roll", sectionTokens: "join tokens", sectionJournal: "journal", sectionTasks: "schedule",
	sectionHooks: "webhooks", sectionAlarms: "alarms", sectionEnd: "end",
}
