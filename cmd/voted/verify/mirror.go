package verify

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"voted/cmd/voted/display"
	"voted/internal/outfile"
	"voted/proof"
)

// Fetch returns a file of a log: "checkpoint", "definition", "closing", "profile", or the path of
// a tile. It fails with fs.ErrNotExist for one that is not served.
type Fetch func(ctx context.Context, name string) ([]byte, error)

// contradicting is the file in which a mirror keeps a head that does not continue its own.
const contradicting = "checkpoint.contradicting"

// Mirror copies a log into a directory, or brings a copy up to date. A directory that has a
// checkpoint has all of that log: the checkpoint is written last, and only if the records
// are those that were signed. A mirror that was interrupted goes on where it was.
//
// Of a poll that has closed the directory gets the files that Result needs as well. The verdict
// is that of CheckLog on the directory. It returns an error if something could
// not be fetched or written.
func Mirror(ctx context.Context, fetch Fetch, dir string, p *proof.Policy, w Words) (*Verdict, error) {
	note, err := fetch(ctx, "checkpoint")
	if err != nil {
		return nil, err
	}
	h, err := p.Check(note)
	if err != nil {
		return because(err), nil
	}
	m := &mirror{dir: dir, fetch: fetch, note: note, head: h.Checkpoint}
	if v, err := m.begin(); v != nil || err != nil {
		return v, err
	}
	if v, err := m.copy(ctx); v != nil || err != nil {
		return v, err
	}
	l, err := OpenLog(os.DirFS(dir))
	if err != nil {
		return nil, err
	}
	v := CheckLog(l, p, w)
	if v.Outcome != Right || !v.Closed {
		return v, nil
	}
	if wrong, err := m.ending(ctx, p); wrong != nil || err != nil {
		return wrong, err
	}
	return v, nil
}

// mirror is one run of Mirror.
type mirror struct {
	dir   string
	fetch Fetch
	note  []byte
	head  proof.Checkpoint // of the log that is fetched; signed by a quorum
	had   uint64           // entries that the directory had before
	root  proof.Hash       // of these
}

// begin looks at what the directory has. A verdict ends the mirror.
func (m *mirror) begin() (*Verdict, error) {
	if err := os.MkdirAll(m.dir, 0o755); err != nil {
		return nil, err
	}
	old, err := OpenLog(os.DirFS(m.dir))
	switch {
	case errors.Is(err, proof.ErrMissing):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("%s: %w; mirror into an empty directory", m.dir, err)
	case old.checkpoint.Origin != m.head.Origin:
		return refuse(Undecided, "The directory has the log of %s, and what is served is the log of %s; mirror it into another directory.", old.checkpoint.Origin, m.head.Origin), nil
	}
	if err := old.whole(); err != nil {
		return nil, fmt.Errorf("the directory %s is damaged: %w; mirror into an empty one", m.dir, err)
	}
	m.had, m.root = old.Size(), old.checkpoint.Root
	if m.head.Size > m.had {
		return nil, nil
	}
	root, err := old.root(m.head.Size)
	if err != nil {
		return nil, err
	}
	if root != m.head.Root {
		return m.contradicts()
	}
	// Nothing is newer. The older head is kept: it says more.
	if m.head.Size < m.had {
		m.note, m.head = old.note, old.checkpoint
	}
	return nil, nil
}

// contradicts keeps a head that many signed, and that is not one of the log which the
// directory has.
func (m *mirror) contradicts() (*Verdict, error) {
	name := filepath.Join(m.dir, contradicting)
	if err := os.WriteFile(name, m.note, 0o644); err != nil {
		return nil, err
	}
	return refuse(Wrong, "The log of %s that is served now, with %s, does not continue the one in the directory, with %s. Both are signed. Keep the head in %s: with the log of the larger one, mirrored into a directory of its own, `voted verify fraud` shows whose doing it is.",
		m.head.Origin, plural(records(m.head), "record"), display.Int(max(m.had, 1)-1), contradicting), nil
}

// copy fetches what the directory does not have, and writes the checkpoint if it is whole.
func (m *mirror) copy(ctx context.Context) (*Verdict, error) {
	for t := range proof.Tiles(m.had, m.head.Size) {
		if t.Level != proof.EntryBundle {
			break
		}
		if err := m.bundle(ctx, t); err != nil {
			return nil, err
		}
	}
	l := &Log{files: os.DirFS(m.dir), note: m.note, checkpoint: m.head}
	if err := l.whole(); err != nil {
		if !errors.Is(err, proof.ErrNotInTree) {
			return nil, err
		}
		return m.refused()
	}
	if v, err := m.continues(l); v != nil || err != nil {
		return v, err
	}
	if v, err := m.definition(ctx, l); v != nil || err != nil {
		return v, err
	}
	if err := m.hashes(l); err != nil {
		return nil, err
	}
	if err := m.commit(); err != nil {
		return nil, err
	}
	return nil, m.tidy()
}

// bundle fetches one bundle of entries, unless an earlier run has.
func (m *mirror) bundle(ctx context.Context, t proof.Tile) error {
	if b, err := readFile(os.DirFS(m.dir), t.Path()); err == nil {
		if _, err := proof.ParseBundle(b, t.Width); err == nil {
			return nil
		}
	}
	b, err := m.fetch(ctx, t.Path())
	if err != nil {
		return err
	}
	if _, err := proof.ParseBundle(b, t.Width); err != nil {
		return fmt.Errorf("%s, as it is served: %w", t.Path(), err)
	}
	return m.write(t.Path(), b)
}

// continues checks that the log begins as the directory had it: the entries of a partial
// bundle were fetched once more.
func (m *mirror) continues(l *Log) (*Verdict, error) {
	if m.had == 0 {
		return nil, nil
	}
	root, err := l.root(m.had)
	if err != nil || root == m.root {
		return nil, err
	}
	if err := m.forget(); err != nil {
		return nil, err
	}
	return m.contradicts()
}

// refused forgets what was fetched: it is not what was signed. Where the directory had a
// part of the log before, that part may be what the signed head denies, so the head is
// kept.
func (m *mirror) refused() (*Verdict, error) {
	if err := m.forget(); err != nil {
		return nil, err
	}
	if m.had == 0 {
		return refuse(Wrong, "The records that are served are not those that were signed: some are missing, moved or altered. Nothing was kept; try another node."), nil
	}
	if err := os.WriteFile(filepath.Join(m.dir, contradicting), m.note, 0o644); err != nil {
		return nil, err
	}
	return refuse(Wrong, "The records that are served after those of the directory do not come to what was signed. Either this node serves others than were signed, or what was signed does not continue the log of the directory. Nothing was kept but the head, in %s; try another node.", contradicting), nil
}

// forget removes the bundles that this run fetched.
func (m *mirror) forget() error {
	for t := range proof.Tiles(m.had, m.head.Size) {
		if t.Level != proof.EntryBundle {
			break
		}
		if t.Number*proof.TileWidth+uint64(t.Width) <= m.had {
			continue
		}
		if err := os.Remove(filepath.Join(m.dir, filepath.FromSlash(t.Path()))); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// definition fetches what entry 0 has the hash of, unless the directory has it.
func (m *mirror) definition(ctx context.Context, l *Log) (*Verdict, error) {
	if m.head.Size == 0 {
		return nil, nil
	}
	var first proof.DefinitionEntry
	for e := range l.Entries(0, 1) {
		d, err := proof.ParseDefinitionEntry(e)
		if err != nil {
			return because(err), nil
		}
		first = d
	}
	if b, err := readFile(os.DirFS(m.dir), definitionFile); err == nil && first.Rules == sha256.Sum256(b) {
		return nil, nil
	}
	b, err := m.fetch(ctx, definitionFile)
	if err != nil {
		return nil, err
	}
	if first.Rules != sha256.Sum256(b) {
		return refuse(Wrong, "The definition of the poll that is served is not the one that was signed: its options or rules were changed."), nil
	}
	return nil, m.write(definitionFile, b)
}

// hashes writes the tiles of hashes, which follow from the entries.
func (m *mirror) hashes(l *Log) error {
	v, err := l.view(l.Size())
	if err != nil {
		return err
	}
	for t := range proof.Tiles(m.had, l.Size()) {
		if t.Level == proof.EntryBundle {
			continue
		}
		hashes, err := v.Tile(t)
		if err != nil {
			return err
		}
		if err := m.write(t.Path(), proof.AppendHashes(nil, hashes)); err != nil {
			return err
		}
	}
	return nil
}

// commit writes the checkpoint: from now on the directory has this log.
func (m *mirror) commit() error {
	name := filepath.Join(m.dir, "checkpoint")
	if old, err := os.ReadFile(name); err == nil && bytes.Equal(old, m.note) {
		return nil
	}
	f, err := outfile.Create(name)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Write(m.note); err != nil {
		return err
	}
	return f.Commit()
}

// tidy removes the partial tiles of the size before, which larger ones have replaced.
func (m *mirror) tidy() error {
	now := map[string]bool{}
	for t := range proof.Tiles(m.had, m.head.Size) {
		now[t.Path()] = true
	}
	for t := range proof.Tiles(m.had, m.had) {
		if t.Width == proof.TileWidth || now[t.Path()] {
			continue
		}
		if err := os.Remove(filepath.Join(m.dir, filepath.FromSlash(t.Path()))); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// write writes a file of the log that may be written again: until the checkpoint is there,
// nobody relies on it.
func (m *mirror) write(name string, b []byte) error {
	path := filepath.Join(m.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, b, 0o644)
}
