package profilefile

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"voted/internal/ballotjson"
	"voted/internal/profile"
	"voted/internal/profilefile/abif"
	"voted/internal/profilefile/ballots"
	"voted/internal/profilefile/blt"
	"voted/internal/profilefile/cvr"
	"voted/internal/profilefile/preflib"
	"voted/internal/profilefile/rctab"
	"voted/internal/tally"
	"voted/internal/textfile"
)

// Asked is how to read a file. The zero Asked leaves everything to the file.
type Asked struct {
	Kind      Kind               // empty: found out
	Form      tally.Form         // with FormTold
	FormTold  bool               // the ballots must be of Form
	Options   []profile.Option   // those that there are; nil: those of the file
	Contest   string             // of cast vote records, its id or name; empty: the only one
	Encoding  *textfile.Encoding // nil: found out
	Separator byte               // of tables; 0: found out
}

// Found is a profile, and how it was read.
type Found struct {
	*profile.Profile
	Kind     Kind
	Encoding string
	Ignored  []string // columns that were not read
}

// UnknownKindError says that it could not be found out what a file is.
type UnknownKindError struct{}

func (*UnknownKindError) Error() string {
	return "this is no file of ballots that is known: one of " + strings.Join(Names(), ", ")
}

// FormError says that a file holds other ballots than were asked for.
type FormError struct{ Has tally.Form }

func (e *FormError) Error() string {
	return "the file holds " + FormName(e.Has)
}

// FormName names ballots of a form, such as rankings.
func FormName(form tally.Form) string {
	return map[tally.Form]string{tally.Choice: "choices", tally.Ranking: "rankings", tally.Scores: "scores"}[form]
}

// SampleBytes is how much of a file is looked at to find its kind.
const SampleBytes = 64 << 10

// Read reads a whole file. A *textfile.Fault says what is wrong, and where; further errors
// are *UnknownKindError, *FormError, *cvr.ContestsError, errors of profile.Under about its
// options, and those of the reader.
func Read(from io.Reader, asked Asked) (*Found, error) {
	in := bufio.NewReaderSize(from, SampleBytes)
	sample, err := in.Peek(SampleBytes)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	f := &Found{Kind: asked.Kind, Encoding: textfile.UTF8.String()}
	if f.Kind == "" {
		if f.Kind, err = FindIn(sample, asked.Encoding); err != nil {
			return nil, err
		}
	}
	if f.Kind == CVR {
		f.Profile, err = cvr.Read(in, asked.Contest, asked.Form, asked.FormTold)
	} else {
		err = f.text(in, asked)
	}
	if err != nil {
		return nil, err
	}
	switch {
	case !asked.FormTold:
	case len(f.Groups) == 0:
		f.Form = asked.Form // without a ballot a file may be of any
	case f.Form != asked.Form:
		return nil, &FormError{f.Form}
	}
	if asked.Options != nil && !slices.Equal(f.Options, asked.Options) {
		if f.Profile, err = f.Under(asked.Options); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// FindIn finds the kind by the first [SampleBytes] of a file in any encoding; nil: found out.
// Its error is an *UnknownKindError, or about the encoding.
func FindIn(sample []byte, told *textfile.Encoding) (Kind, error) {
	lines, err := textfile.NewLines(bytes.NewReader(sample), told, SampleBytes)
	if err != nil {
		return "", err
	}
	var text []byte
	for {
		line, err := lines.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		var bad *textfile.Fault
		if err != nil && !errors.As(err, &bad) {
			return "", err
		}
		text = append(append(text, line...), '\n')
	}
	if k, ok := Find(text); ok {
		return k, nil
	}
	return "", &UnknownKindError{}
}

// text reads a file of lines.
func (f *Found) text(in io.Reader, asked Asked) error {
	lines, err := textfile.NewLines(in, asked.Encoding, ballotjson.MaxLineBytes)
	if err != nil {
		return err
	}
	encoding, _ := lines.Encoding()
	f.Encoding = encoding.String()
	switch f.Kind {
	case NDJSON:
		f.Profile, err = ballots.ReadNDJSON(lines, asked.Options)
	case CSV:
		f.Profile, f.Ignored, err = ballots.ReadCSV(lines, asked.Separator, asked.Options)
	case BLT:
		f.Profile, err = blt.Read(lines)
	case PrefLib:
		f.Profile, err = preflib.Read(lines, asked.Form, asked.FormTold)
	case ABIF:
		f.Profile, err = abif.Read(lines, asked.Form, asked.FormTold)
	case RCTab:
		f.Profile, err = rctab.Read(lines, asked.Separator)
	case CVR:
	default:
		return fmt.Errorf("there is no kind of file %q; there are %s", string(f.Kind), strings.Join(Names(), ", "))
	}
	return err
}
