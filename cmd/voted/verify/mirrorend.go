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

// ending fetches what the result of a closed poll follows from, unless the directory has it. A copy
// that somebody else serves may be of the log alone.
func (m *mirror) ending(ctx context.Context, p *proof.Policy) (*Verdict, error) {
	if closing, _, v := ended(os.DirFS(m.dir), p); v == nil {
		return m.profile(ctx, closing)
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

// profile fetches how many ballots hold each choice, unless the directory has it.
func (m *mirror) profile(ctx context.Context, closing *proof.ClosingProof) (*Verdict, error) {
	definition, err := readFile(os.DirFS(m.dir), definitionFile)
	if err != nil {
		return nil, err
	}
	rules, err := recount.Definition(definition, closing.First)
	if err != nil {
		return because(err), nil
	}
	closedWith := func(text []byte) error {
		lines, err := recount.ReadProfile(bytes.NewReader(text), rules)
		if err != nil {
			return err
		}
		return recount.CheckProfile(lines, &closing.Closing)
	}
	if text, err := readFile(os.DirFS(m.dir), profileFile); err == nil && closedWith(text) == nil {
		return nil, nil
	}
	text, err := m.fetch(ctx, profileFile)
	if err != nil {
		return nil, err
	}
	if err := closedWith(text); err != nil {
		return because(fmt.Errorf("as they are served, %w", err)), nil
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
