package fsm

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"testing"

	"voted/internal/poll"
)

// FuzzBackup checks that a backup that is restored has also passed the check without
// restoring, and can be written and read again. Where raw is false the input is a list
// of sections, each a kind and a blob, which get right checksums and a right end.
func FuzzBackup(f *testing.F) {
	seed(f, "backup", func(b []byte) {
		f.Add(b, true)
		f.Add(plainBackup(b), false)
	})
	f.Add([]byte(backupMagic), true)
	f.Add([]byte("VOTEDBAK\xff\xff"), true)
	f.Fuzz(func(t *testing.T, b []byte, raw bool) {
		if !raw {
			b = sealBackup(b)
		}
		checked, refused := CheckBackup(bytes.NewReader(b))
		info, state, err := ReadBackup(bytes.NewReader(b))
		if err != nil {
			return
		}
		if refused != nil || fmt.Sprint(checked) != fmt.Sprint(info) {
			t.Fatalf("what can be restored is refused unread: %v", refused)
		}
		v := state.View()
		defer v.Close()
		var again bytes.Buffer
		if err := WriteBackup(&again, info, v, nothing{}); err != nil {
			t.Fatal(err)
		}
		if _, back, err := ReadBackup(&again); err != nil || back.Digest() != state.Digest() {
			t.Fatalf("what was read cannot be read again: %v", err)
		}
	})
}

// plainBackup removes magic, version, checksums and the end from a backup.
func plainBackup(b []byte) (plain []byte) {
	for b = b[len(backupMagic)+2:]; len(b) > 0 && b[0] != sectionEnd; {
		c := poll.NewCursor(b[1:])
		c.Blob()
		size := len(b) - c.Len()
		plain = append(plain, b[:size]...)
		b = b[size+4:]
	}
	return plain
}

// sealBackup adds them again.
func sealBackup(plain []byte) []byte {
	var out bytes.Buffer
	sum := sha256.New()
	w := &sectionWriter{w: bufio.NewWriter(io.MultiWriter(&out, sum))}
	w.raw([]byte(backupMagic))
	w.raw(binary.LittleEndian.AppendUint16(nil, BackupVersion))
	for len(plain) > 0 {
		c := poll.NewCursor(plain[1:])
		content := c.Blob()
		if c.Err() != nil {
			break
		}
		w.section(plain[0], content)
		plain = plain[len(plain)-c.Len():]
	}
	_ = w.w.Flush() // into memory
	w.section(sectionEnd, sum.Sum(binary.AppendUvarint(nil, w.sections)))
	_ = w.w.Flush() // into memory
	return out.Bytes()
}

// FuzzRestore checks that the members stay equal and continue, whatever steps of a
// restore are in the log, in any order. The input is a list of steps: the kind, which
// of two backups, the number of the piece, and its data as a blob.
func FuzzRestore(f *testing.F) {
	step := func(b []byte, step, of, piece byte, data []byte) []byte {
		b = append(b, step, of, piece)
		return append(binary.AppendUvarint(b, uint64(len(data))), data...)
	}
	seed(f, "backup", func(whole []byte) {
		half := len(whole) / 2
		b := step(nil, RestoreBegin, 0, 0, nil)
		b = step(b, RestorePiece, 0, 0, whole[:half])
		b = step(b, RestorePiece, 0, 1, whole[half:])
		f.Add(b)
		f.Add(step(b, RestoreCommit, 0, 0, nil))
		f.Add(step(step(b, RestoreCommit, 0, 0, nil), RestoreCommit, 0, 0, nil))
		f.Add(step(step(b, RestoreBegin, 1, 0, nil), RestoreCommit, 0, 0, nil))
		f.Add(step(step(b, RestorePiece, 0, 2, []byte("more")), RestoreCommit, 0, 0, nil))
		f.Add(step(step(b, RestoreAbandon, 0, 0, nil), RestoreCommit, 0, 0, nil))
		f.Add(step(step(nil, RestoreBegin, 0, 0, nil), RestoreCommit, 0, 0, nil))
		f.Add(step(step(nil, RestoreBegin, 0, 0, nil), RestorePiece, 0, 0, whole[:half+1]))
	})
	f.Add(step(nil, RestoreCommit, 0, 0, nil))
	f.Add(step(nil, 77, 3, 0, []byte("x")))
	f.Fuzz(func(t *testing.T, b []byte) {
		p := newPair(t)
		c := poll.NewCursor(b)
		for c.Len() > 0 {
			s := RestoreStep{Step: c.Byte(), Backup: poll.Digest{c.Byte() & 1}, Piece: uint64(c.Byte()), Data: c.Blob()}
			if c.Err() != nil {
				break
			}
			p.do(s)
		}
		p.a.abandonRestore()
		p.b.abandonRestore()
		if err := sameState(t, p.a, p.b); err != nil {
			t.Fatal(err)
		}
		if r := p.do(poll.Create{Definition: definition("later", "plurality"), Salt: poll.Salt{9}}); r.Err != nil {
			t.Fatal(r.Err)
		}
		if o := p.cast(ballotOf("later", "v", 0, 0)); o.Kind != poll.Counted {
			t.Fatalf("%+v", o)
		}
	})
}
