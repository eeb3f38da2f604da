package prover

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"

	"voted/proof"
)

// markFile is the name of the file of marks.
const markFile = "proof.mark"

const (
	markMagic = "votedpm1"
	slotBytes = 64 // divides a sector, which a disk replaces as a whole
	slotBody  = slotBytes - 4
	flagsAt   = 56
	flagFork  = 1
	// readSlots is how many slots are read at a time.
	readSlots = 1024
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// ErrDamaged: the file of marks is not what this member wrote.
var ErrDamaged = errors.New("the file proof.mark is damaged, so this member cannot know what it has signed and signs nothing. " +
	"Look at its disk, move the file away and start the member again: it then asks the others what it has signed")

// marks are what this member has signed, on its own disk. One goroutine at a time uses it.
type marks struct {
	file  File
	slots map[logKey]int64 // where the mark of each log is
	free  []int64
	end   int64 // slots in use or free, the header among them
	sick  error // of the last write: what is on the disk is not known

	forked map[logKey]bool // logs that were forked when the file was read
}

// openMarks reads the whole file. It fails with ErrDamaged (wrapped) if the file is not whole.
func openMarks(d Disk) (*marks, error) {
	f, err := d.Open(markFile)
	if err != nil {
		return nil, err
	}
	m := newMarks(f)
	if err := m.load(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return m, nil
}

func newMarks(f File) *marks {
	return &marks{file: f, slots: map[logKey]int64{}, forked: map[logKey]bool{}}
}

func (m *marks) load() error {
	size, err := m.file.Size()
	if err != nil {
		return err
	}
	// What is left of a slot at the end was never synced, so nothing was signed by it.
	m.end = size / slotBytes
	if m.end == 0 {
		m.end = 1
		return m.begin()
	}
	chunk := make([]byte, readSlots*slotBytes)
	for at := int64(0); at < m.end; at += readSlots {
		part := chunk[:min(readSlots, m.end-at)*slotBytes]
		if _, err := m.file.ReadAt(part, at*slotBytes); err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		for i := int64(0); i < int64(len(part)); i += slotBytes {
			if err := m.read(at+i/slotBytes, part[i:i+slotBytes]); err != nil {
				return err
			}
		}
	}
	return nil
}

// begin writes the header of a new file.
func (m *marks) begin() error {
	header := make([]byte, slotBody, slotBytes)
	copy(header, markMagic)
	if _, err := m.file.WriteAt(seal(header), 0); err != nil {
		return err
	}
	return m.file.Sync()
}

// read takes in one slot.
func (m *marks) read(slot int64, b []byte) error {
	if slot == 0 {
		if !whole(b) || string(b[:len(markMagic)]) != markMagic {
			return fmt.Errorf("%w (it does not begin as such a file does)", ErrDamaged)
		}
		return nil
	}
	if isZero(b) {
		m.free = append(m.free, slot)
		return nil
	}
	key := logKey(b[:16])
	_, twice := m.slots[key]
	if !whole(b) || twice {
		return fmt.Errorf("%w (slot %d)", ErrDamaged, slot)
	}
	m.slots[key] = slot
	if b[flagsAt]&flagFork != 0 {
		m.forked[key] = true
	}
	return nil
}

// get returns the mark of a log, the zero one if it has none.
func (m *marks) get(key logKey) (k mark, err error) {
	if m.sick != nil {
		return k, m.sick
	}
	slot, known := m.slots[key]
	if !known {
		return k, nil
	}
	b := make([]byte, slotBytes)
	if _, err := m.file.ReadAt(b, slot*slotBytes); err != nil && !errors.Is(err, io.EOF) {
		return k, err
	}
	if !whole(b) || logKey(b[:16]) != key {
		return k, fmt.Errorf("%w (slot %d)", ErrDamaged, slot)
	}
	k.Size, k.Root = binary.BigEndian.Uint64(b[16:]), proof.Hash(b[24:56])
	k.forked = b[flagsAt]&flagFork != 0
	return k, nil
}

// put writes marks. They are durable when it returns nil. After an error nothing may be
// signed any more until the file was read again: what is on the disk is not known.
func (m *marks) put(all map[logKey]mark) error {
	if len(all) == 0 || m.sick != nil {
		return m.sick
	}
	for key, k := range all {
		slot, known := m.slots[key]
		if !known {
			slot = m.take()
			m.slots[key] = slot
		}
		if m.sick = m.write(slot, encodeMark(key, k)); m.sick != nil {
			return m.sick
		}
	}
	m.sick = m.file.Sync()
	return m.sick
}

// take returns a slot that is free.
func (m *marks) take() int64 {
	if n := len(m.free); n > 0 {
		slot := m.free[n-1]
		m.free = m.free[:n-1]
		return slot
	}
	m.end++
	return m.end - 1
}

// drop forgets the mark of a log that no longer exists. It is durable with the next put: a
// mark too many does no harm.
func (m *marks) drop(key logKey) error {
	slot, known := m.slots[key]
	if !known || m.sick != nil {
		return m.sick
	}
	delete(m.slots, key)
	m.free = append(m.free, slot)
	m.sick = m.write(slot, make([]byte, slotBytes))
	return m.sick
}

func (m *marks) write(slot int64, b []byte) error {
	_, err := m.file.WriteAt(b, slot*slotBytes)
	return err
}

// heal makes the file usable again after an error, once its disk is: what can be read of it
// is written to another file, and synced, before anything is signed by it. A sync that
// failed once must not be believed later.
func (m *marks) heal(d Disk) error {
	if m.sick == nil {
		return nil
	}
	_ = m.file.Close() // its errors are what is being healed
	f, err := d.Open(markFile)
	if err != nil {
		return err
	}
	again := newMarks(f)
	if err = again.load(); err == nil {
		var healed File
		if healed, err = d.Replace(markFile, again.copy); err == nil {
			_ = f.Close() // it was only read
			again.file = healed
			*m = *again
			return nil
		}
	}
	return errors.Join(err, f.Close())
}

// copy writes all slots.
func (m *marks) copy(w io.Writer) error {
	_, err := io.Copy(w, io.NewSectionReader(m.file, 0, m.end*slotBytes))
	return err
}

func (m *marks) close() error { return m.file.Close() }

func encodeMark(key logKey, k mark) []byte {
	b := append(make([]byte, 0, slotBytes), key[:]...)
	b = binary.BigEndian.AppendUint64(b, k.Size)
	b = append(b, k.Root[:]...)
	var flags byte
	if k.forked {
		flags = flagFork
	}
	return seal(append(b, flags, 0, 0, 0))
}

// seal appends the checksum of a slot.
func seal(b []byte) []byte {
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b[:slotBody], castagnoli))
}

func whole(b []byte) bool {
	return binary.BigEndian.Uint32(b[slotBody:]) == crc32.Checksum(b[:slotBody], castagnoli)
}

func isZero(b []byte) bool { return bytes.Equal(b, slices.Repeat([]byte{0}, len(b))) }
