package verify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"voted/internal/outfile"
	"voted/internal/recount"
	"voted/proof"
)

// ending fetches what the result of a closed poll follows from, unless the directory has it. The
// closing is written last: with it the directory is whole. A copy that somebody else serves may
// be of the log alone.
func (m *mirror) ending(ctx context.Context, p *proof.Policy) (*Verdict, error) {
	files := os.DirFS(m.dir)
	if _, _, v := ended(files, p); v == nil {
		return nil, nil
	}
	text, err := m.fetch(ctx, closingFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	closing, err := proof.ParseClosingProof(text)
	if err == nil {
		_, err = closing.Check(p)
	}
	if err != nil {
		v := because(err)
		v.Sentences[0] = "The closing that is served cannot be trusted. " + v.Sentences[0]
		return v, nil
	}
	if v, err := m.profile(ctx, closing); v != nil || err != nil {
		return v, err
	}
	return nil, m.replace(closingFile, text)
}

// profile fetches how many ballots hold each choice.
func (m *mirror) profile(ctx context.Context, closing *proof.ClosingProof) (*Verdict, error) {
	definition, err := readFile(os.DirFS(m.dir), definitionFile)
	if err != nil {
		return nil, err
	}
	rules, err := recount.Definition(definition, closing.First)
	if err != nil {
		return because(err), nil
	}
	text, err := m.fetch(ctx, profileFile)
	if err != nil {
		return nil, err
	}
	lines, err := recount.ReadProfile(bytes.NewReader(text), rules)
	if err == nil {
		err = recount.CheckProfile(lines, &closing.Closing)
	}
	if err != nil {
		v := because(fmt.Errorf("as they are served, %w", err))
		return v, nil
	}
	return nil, m.replace(profileFile, text)
}

// replace writes a file that appears only once it is complete.
func (m *mirror) replace(name string, b []byte) error {
	f, err := outfile.Create(filepath.Join(m.dir, name))
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Write(b); err != nil {
		return err
	}
	return f.Commit()
}
