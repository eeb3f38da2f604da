package prover

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"slices"
	"time"

	"voted/proof"
)

// headFile is the name of the file of heads.
const headFile = "proof.heads"

const (
	frameHead  = 8
	headKind   = 'h'
	keysKind   = 'k'
	maxFrame   = 64 << 10 // far above a note with a signature of each of a hundred members
	slackBytes = 1 << 20  // so much may be old before the file is written again
	readAhead  = 1 << 20
)

// Head is a point of a log that a majority of the voting members signed.
type Head struct {
	Origin proof.Origin
	Point
	Note []byte    // the signed checkpoint; not to be changed
	At   time.Time // when it was assembled, or came here
}

// place is where a head stands in the file.
type place struct {
	at     int64
	length uint32
	size   uint64 // of the head
}

// heads are the newest heads, on disk, and the keys of the members that sign them. One
// goroutine at a time uses it, but for write, during which others may read.
type heads struct {
	disk  Disk
	file  File
	end   int64
	index map[logKey]place
	keys  map[string]Keys // by member
	live  int64           // bytes of frames that count
	order []logKey        // of the index, as it was when after last began
}

// openHeads reads the file. lost says what could not be read, nil if nothing is lost: that is
// dropped, since heads are signed again.
func openHeads(d Disk) (h *heads, lost, err error) {
	f, err := d.Open(headFile)
	if err != nil {
		return nil, nil, err
	}
	h = &heads{disk: d, file: f, index: map[logKey]place{}, keys: map[string]Keys{}}
	size, err := f.Size()
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	if lost = h.load(size); h.end < size {
		if err := f.Truncate(h.end); err != nil {
			return nil, nil, errors.Join(err, f.Close())
		}
	}
	return h, lost, nil
}

// load reads frame after frame, and returns why it stopped before the end.
func (h *heads) load(size int64) error {
	r := bufio.NewReaderSize(io.NewSectionReader(h.file, 0, size), readAhead)
	for {
		var header [frameHead]byte
		if _, err := io.ReadFull(r, header[:]); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("it ends within a frame: %w", err)
		}
		length := binary.BigEndian.Uint32(header[:])
		if length == 0 || length > maxFrame {
			return fmt.Errorf("a frame at byte %d claims %d bytes", h.end, length)
		}
		body := make([]byte, length)
		if _, err := io.ReadFull(r, body); err != nil {
			return fmt.Errorf("it ends within a frame: %w", err)
		}
		if crc32.Checksum(body, castagnoli) != binary.BigEndian.Uint32(header[4:]) {
			return fmt.Errorf("the frame at byte %d is damaged", h.end)
		}
		if err := h.take(body); err != nil {
			return err
		}
		h.end += frameHead + int64(length)
	}
}

// take notes one frame that begins at h.end.
func (h *heads) take(body []byte) error {
	n := int64(frameHead + len(body))
	switch body[0] {
	case headKind:
		head, err := decodeHead(body)
		if err != nil {
			return err
		}
		key := keyOf(head.Origin)
		if was, known := h.index[key]; known {
			h.live -= frameHead + int64(was.length)
		}
		h.index[key] = place{h.end, uint32(len(body)), head.Size}
	case keysKind:
		id, keys, err := decodeKeys(body)
		if err != nil {
			return err
		}
		if _, known := h.keys[id]; known {
			h.live -= n // an older frame of the same length
		}
		h.keys[id] = keys
	default:
		return fmt.Errorf("a frame at byte %d is of a later version", h.end)
	}
	h.live += n
	return nil
}

func encodeHead(h *Head) []byte {
	b := append(make([]byte, 0, 192+len(h.Note)), headKind)
	b = binary.BigEndian.AppendUint64(b, h.Size)
	b = append(b, h.Root[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(h.At.UnixMilli()))
	origin := h.Origin.String()
	b = binary.BigEndian.AppendUint16(b, uint16(len(origin)))
	return append(append(b, origin...), h.Note...)
}

func decodeHead(b []byte) (h Head, err error) {
	const fixed = 1 + 8 + 32 + 8 + 2
	if len(b) < fixed || len(b) < fixed+int(binary.BigEndian.Uint16(b[fixed-2:])) {
		return h, errors.New("a frame is too short for a head")
	}
	h.Size, h.Root = binary.BigEndian.Uint64(b[1:]), proof.Hash(b[9:41])
	h.At = time.UnixMilli(int64(binary.BigEndian.Uint64(b[41:]))).UTC()
	origin := fixed + int(binary.BigEndian.Uint16(b[fixed-2:]))
	h.Note = bytes.Clone(b[origin:])
	h.Origin, err = proof.ParseOrigin(string(b[fixed:origin]))
	return h, err
}

func encodeKeys(member string, k Keys) []byte {
	b := append(make([]byte, 0, 1+2*ed25519.PublicKeySize+len(member)), keysKind)
	return append(append(append(b, k.Log...), k.Cosigner...), member...)
}

func decodeKeys(b []byte) (member string, k Keys, err error) {
	const each = ed25519.PublicKeySize
	if len(b) <= 1+2*each {
		return "", k, errors.New("a frame is too short for the keys of a member")
	}
	k = Keys{Log: bytes.Clone(b[1 : 1+each]), Cosigner: bytes.Clone(b[1+each : 1+2*each])}
	return string(b[1+2*each:]), k, nil
}

// size returns how many leaves the newest head of a log covers, 0 if there is none.
func (h *heads) size(key logKey) uint64 { return h.index[key].size }

// get returns the newest head of a log.
func (h *heads) get(o proof.Origin) (Head, bool, error) {
	at, known := h.index[keyOf(o)]
	if !known {
		return Head{}, false, nil
	}
	head, err := h.read(at)
	return head, err == nil, err
}

func (h *heads) read(at place) (head Head, err error) {
	body := make([]byte, at.length)
	if _, err := h.file.ReadAt(body, at.at+frameHead); err != nil && !errors.Is(err, io.EOF) {
		return head, err
	}
	return decodeHead(body)
}

// framesOf are the frames of heads, the newest of their logs, and of keys of members.
func framesOf(all []Head, keys map[string]Keys) (bodies [][]byte) {
	for i := range all {
		bodies = append(bodies, encodeHead(&all[i]))
	}
	for id, k := range keys {
		bodies = append(bodies, encodeKeys(id, k))
	}
	return bodies
}

// write appends frames and syncs them. Readers see them after note.
func (h *heads) write(bodies [][]byte) error {
	var b []byte
	for _, body := range bodies {
		b = append(b, frame(body)...)
	}
	if _, err := h.file.WriteAt(b, h.end); err != nil {
		return err
	}
	return h.file.Sync()
}

// note takes in frames that were written.
func (h *heads) note(bodies [][]byte) error {
	for _, body := range bodies {
		if err := h.take(body); err != nil {
			return err
		}
		h.end += frameHead + int64(len(body))
	}
	return nil
}

// isOld reports whether most of the file is old.
func (h *heads) isOld() bool { return h.end > 2*h.live+slackBytes }

func frame(body []byte) []byte {
	b := binary.BigEndian.AppendUint32(make([]byte, 0, frameHead+len(body)), uint32(len(body)))
	return append(binary.BigEndian.AppendUint32(b, crc32.Checksum(body, castagnoli)), body...)
}

// rewritten makes the file again without what is old. The caller closes h then.
func (h *heads) rewritten() (*heads, error) {
	again := &heads{disk: h.disk, index: map[logKey]place{}, keys: map[string]Keys{}}
	f, err := h.disk.Replace(headFile, func(w io.Writer) error {
		buffered := bufio.NewWriterSize(w, readAhead)
		add := func(body []byte) error {
			if _, err := buffered.Write(frame(body)); err != nil {
				return err
			}
			return again.note([][]byte{body})
		}
		for id, k := range h.keys {
			if err := add(encodeKeys(id, k)); err != nil {
				return err
			}
		}
		for _, at := range h.index {
			body := make([]byte, at.length)
			if _, err := h.file.ReadAt(body, at.at+frameHead); err != nil && !errors.Is(err, io.EOF) {
				return err
			}
			if err := add(body); err != nil {
				return err
			}
		}
		return buffered.Flush()
	})
	if err != nil {
		return nil, err
	}
	again.file = f
	return again, nil
}

// maxLooks bounds the heads that after reads, under the lock of all readers: some milliseconds.
const maxLooks = 512

// after returns heads of logs whose keys come after a key, in the order of keys: up to maxAsks of
// those that are wanted, among up to maxLooks. Where there are more to look at, last is the key to
// go on after. A zero key begins, and the logs are those of then.
func (h *heads) after(key logKey, want func(*Head) bool) (found []Head, last logKey, more bool, err error) {
	if begins := key == (logKey{}); len(h.order) != len(h.index) && (begins || h.order == nil) {
		h.order = slices.SortedFunc(maps.Keys(h.index), compareKeys) // too long to be done for each call
	}
	at, known := slices.BinarySearchFunc(h.order, key, compareKeys)
	if known {
		at++
	}
	for i, k := range h.order[at:] {
		if i == maxLooks || len(found) == maxAsks {
			return found, last, true, nil
		}
		head, err := h.read(h.index[k])
		if err != nil {
			return nil, last, false, err
		}
		if last = k; want(&head) {
			found = append(found, head)
		}
	}
	return found, last, false, nil
}

func compareKeys(a, b logKey) int { return bytes.Compare(a[:], b[:]) }

func (h *heads) close() error { return h.file.Close() }
