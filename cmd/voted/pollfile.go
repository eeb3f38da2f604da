package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"voted/client"
	"voted/internal/usage"
)

// definitionFile is a definition in a file: as the API takes it, or as it shows a poll. The
// state of a poll is not part of its definition and is ignored.
type definitionFile struct {
	client.Definition
	Options       []optionInFile `json:"options"`
	MaxSelections *int           `json:"max_selections"`
	MaxScore      *int           `json:"max_score"`
	Seats         *int           `json:"seats"`
	Marking       string         `json:"marking"` // as a poll shows what "ballots" is in a definition

	State       string         `json:"state"`
	Ballots     jsontext.Value `json:"ballots"`
	Revision    jsontext.Value `json:"revision"`
	CreatedAt   string         `json:"created_at"`
	ClosedAt    string         `json:"closed_at"`
	ClosedIndex jsontext.Value `json:"closed_index"`
	Lot         jsontext.Value `json:"lot"`
}

// optionInFile is an option, read as strictly as the API does.
type optionInFile struct{ client.PollOption }

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (o *optionInFile) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if d.PeekKind() == '"' {
		token, err := d.ReadToken()
		if err == nil {
			o.PollOption = client.Options(token.String())[0]
		}
		return err
	}
	var object struct {
		ID          string `json:"id"`
		Title       string `json:"title"`
		Description string `json:"description"`
	}
	if err := json.UnmarshalDecode(d, &object); err != nil {
		return err
	}
	if object.ID == "" {
		return errors.New("an option that is an object needs an id")
	}
	o.ID, o.Title, o.Description = object.ID, object.Title, object.Description
	return nil
}

// readDefinition reads a file. It refuses unknown names, repeated names and anything after
// the definition.
func readDefinition(name string) (client.Definition, error) {
	var f definitionFile
	if err := decodeDefinition(name, &f); err != nil {
		return client.Definition{}, err
	}
	err := f.finish()
	return f.Definition, err
}

// decodeDefinition reads the JSON of a file.
func decodeDefinition(name string, into any) error {
	file, err := openInput(name)
	if err != nil {
		return err
	}
	defer file.Close()
	text, err := io.ReadAll(file)
	if err != nil {
		return fileProblem(name, err)
	}
	if err := json.Unmarshal(text, into, json.RejectUnknownMembers(true)); err != nil {
		return usage.Errorf("%s is not the definition of a poll: %w", inputName(name), definitionFault(err))
	}
	return nil
}

// finish completes the definition from what was read.
func (f *definitionFile) finish() error {
	for _, o := range f.Options {
		f.Definition.Options = append(f.Definition.Options, o.PollOption)
	}
	if err := positive("max_selections", f.MaxSelections, &f.Definition.MaxSelections); err != nil {
		return err
	}
	if err := positive("seats", f.Seats, &f.Definition.Seats); err != nil {
		return err
	}
	if f.Definition.Marking = f.Marking; f.Ballots.Kind() == '"' { // in a poll it is a number
		if err := json.Unmarshal(f.Ballots, &f.Definition.Marking); err != nil {
			return err
		}
	}
	return positive("max_score", f.MaxScore, &f.Definition.MaxScore)
}

// inputName names a file for people.
func inputName(name string) string {
	if name == "-" {
		return "the standard input"
	}
	return name
}

// definitionFault explains what is wrong in a file, and where.
func definitionFault(err error) error {
	var semantic *json.SemanticError
	var syntactic *jsontext.SyntacticError
	switch {
	case errors.Is(err, json.ErrUnknownName):
		errors.As(err, &semantic)
		return fmt.Errorf("no definition has %s; leave it out, or correct its spelling", semantic.JSONPointer)
	case errors.Is(err, jsontext.ErrDuplicateName):
		errors.As(err, &syntactic)
		return fmt.Errorf("%s stands there twice; keep one", syntactic.JSONPointer)
	case errors.As(err, &syntactic):
		return fmt.Errorf("it is no JSON in UTF-8 at byte %d", syntactic.ByteOffset+1)
	case errors.As(err, &semantic) && semantic.Err != nil:
		return fmt.Errorf("%s: %w", semantic.JSONPointer, semantic.Err)
	case errors.As(err, &semantic):
		return fmt.Errorf("%s has a value of another type", semantic.JSONPointer)
	}
	return err
}
