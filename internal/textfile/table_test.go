package textfile

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
)

func layout() Layout {
	return Layout{
		Columns: []Wanted{{Name: "voter", Titles: []string{"voter", "email"}}, {Name: "weight", Titles: []string{"weight"}}},
		Want:    "the first line must be the titles, such as voter,weight", Limit: 1000,
	}
}

// records reads a table: "voter/weight" for each record, "!" and the sentence for what
// cannot be taken.
func records(t testing.TB, text string, l Layout) (table *Table, got []string, begin error) {
	t.Helper()
	lines, err := NewLines(strings.NewReader(text), nil, 500)
	if err != nil {
		t.Fatal(err)
	}
	table = NewTable(lines, l)
	if err := table.Begin(); err != nil {
		return table, nil, err
	}
	for {
		r, err := table.Next()
		var f *Fault
		switch {
		case errors.Is(err, io.EOF):
			return table, got, nil
		case errors.As(err, &f):
			got = append(got, "!"+f.Error())
		case err != nil:
			t.Fatal(err)
		default:
			voter, _, _ := r.Text("voter")
			weight, _, _ := r.Text("weight")
			got = append(got, fmt.Sprintf("%d:%s/%s", r.Line, voter, weight))
		}
	}
}

func TestSeparatorsTitlesAndFurtherColumnsAreFound(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text      string
		separator byte
		ignored   string
		want      []string
	}{
		"commas":                             {"voter,weight\na,1\n", ',', "", []string{"2:a/1"}},
		"semicolons":                         {"voter;weight\na,b;1\n", ';', "", []string{"2:a,b/1"}},
		"tabs":                               {"Voter\tWEIGHT\na\t1\n", '\t', "", []string{"2:a/1"}},
		"pipes":                              {"voter|weight\na|1\n", '|', "", []string{"2:a/1"}},
		"one column":                         {"voter\na\n", ',', "", []string{"2:a/"}},
		"further columns":                    {"Name;E-Mail;Weight;Tel\nAnn;a@x;2;1\n", ';', "Name Tel", []string{"2:a@x/2"}},
		"a voter before an address":          {"e-mail,Voter\na@x,a\n", ',', "e-mail", []string{"2:a/"}},
		"a column that is nearly an address": {"voter,mail\na,a@x\n", ',', "mail", []string{"2:a/"}},
		"blanks around cells":                {"voter , weight\n a\t, 1 \n\" b\",2\n", ',', "", []string{"2:a/1", "3: b/2"}},
		"blank lines and empty rows":         {"\n\nvoter,weight\n\na,1\n  \n,\nb,2\n", ',', "", []string{"5:a/1", "8:b/2"}},
		"the separator as Excel tells it":    {"sep=;\nvoter;weight\na;1\n", ';', "", []string{"3:a/1"}},
		"quotes":                             {"\"voter\",\"weight\"\n\"a, \"\"jr\"\"\",\"1\"\n", ',', "", []string{"2:a, \"jr\"/1"}},
		"a cell of several lines":            {"voter,note,weight\na,\"one\n\ntwo\",1\nb,,2\n", ',', "note", []string{"2:a/1", "5:b/2"}},
		"a column without a title, empty":    {"voter,weight,\na,1,\n", ',', "", []string{"2:a/1"}},
		"a column without a title, a value":  {"voter,,\na,b,\n", ',', "", []string{"!line 2: column 3: column 2 has a value and no title; give it one in the first line"}},
		"more columns than titles":           {"voter,weight\na,1,2\nb,1,\nc,1\n", ',', "", []string{"!line 2: column 5: it has more columns than the first line, which has 2", "!line 3: column 5: it has more columns than the first line, which has 2", "4:c/1"}},
		"fewer columns":                      {"voter,weight\na\nc,1\n", ',', "", []string{"!line 2: it has fewer columns than the first line: 1 of 2", "3:c/1"}},
		"a quote that is never closed":       {"voter,weight\na,\"1\nb,2\nc,3\n", ',', "", []string{"!line 2: column 3: the quote that begins here is not closed; a cell in quotes ends with one, and a quote in it is doubled", "3:b/2", "4:c/3"}},
		"a quote out of place":               {"voter,weight\na\"b,1\n\"a\"b,1\nc,3\n", ',', "", []string{"!line 2: column 2: a quote is out of place; write the whole cell in quotes, and a quote in it twice", "!line 3: column 4: a quote is out of place; write the whole cell in quotes, and a quote in it twice", "4:c/3"}},
		"a line that is not UTF-8 in a cell": {"voter,weight\n\"a\nZo\xeb\",1\nc,3\n", ',', "", []string{"!line 2: column 1: the quote that begins here is not closed; a cell in quotes ends with one, and a quote in it is doubled", "!line 3: column 3: this file is not UTF-8; it looks like windows-1252; give --encoding windows-1252", "4:c/3"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			table, got, err := records(t, c.text, layout())
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, c.want) || table.Separator() != c.separator || strings.Join(table.Ignored(), " ") != c.ignored {
				t.Errorf("got %q\nwant %q\nseparated by %q, ignored %q", got, c.want, table.Separator(), table.Ignored())
			}
		})
	}
}

func TestTitlesThatCannotBeUsedAreRefusedWithWhatToDo(t *testing.T) {
	t.Parallel()
	told := layout()
	told.Columns[1] = Wanted{Name: "weight", Titles: []string{"shares"}, Told: true}
	for name, c := range map[string]struct {
		text   string
		layout Layout
		says   string
	}{
		"nothing":              {"", layout(), "line 1: the text is empty; the first line must be the titles"},
		"no titles":            {"v1,3\n", layout(), `line 1: the first line must be the titles, such as voter,weight; it holds "v1", "3"`},
		"a title twice":        {"voter,weight,Weight\n", layout(), `line 1: the title "weight" stands twice, over the columns 2 and 3; keep one`},
		"another title twice":  {"note,voter,Note\n", layout(), `the title "Note" stands twice, over the columns 1 and 3; keep one`},
		"a misspelt title":     {"voter,wieght\n", layout(), `the title "wieght" of column 2 is almost "weight"; correct it, or take the column out`},
		"a title that is told": {"voter;weight;x\n", told, `no column has the title "shares"; there are "voter", "weight", "x"`},
		"a second column":      {"voter,weight,weight2\n", layout(), `the title "weight2" of column 3 is almost "weight"`},
		"an open quote":        {"voter,\"weight\n", layout(), "line 1: column 7: the quote that begins here is not closed"},
	} {
		if _, _, err := records(t, c.text, c.layout); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v does not say %q", name, err, c.says)
		}
	}
}

func TestAColumnThatIsToldIsFoundWhateverItsCase(t *testing.T) {
	t.Parallel()
	l := layout()
	l.Columns[0] = Wanted{Name: "voter", Titles: []string{"email"}, Told: true}
	l.Columns[1] = Wanted{Name: "weight", Titles: []string{"SHARES"}, Told: true}
	table, got, err := records(t, "Voter;E-Mail;Shares\nx;a@x;7\n", l)
	if err != nil || !slices.Equal(got, []string{"2:a@x/7"}) || table.Title("voter") != "E-Mail" || !slices.Equal(table.Ignored(), []string{"Voter"}) {
		t.Errorf("%q, %v, ignored %q", got, err, table.Ignored())
	}
}

func TestQuotesThatAreNeverClosedCostLittle(t *testing.T) {
	t.Parallel()
	text := "voter\n" + strings.Repeat("\"\n"+strings.Repeat("\"\"\n", 600), 20)
	l := layout()
	l.Limit = 64 << 10
	_, got, err := records(t, text, l)
	if err != nil || len(got) != 20*601 {
		t.Errorf("%d records, %v", len(got), err)
	}
}

func TestSeparatorsHaveNames(t *testing.T) {
	t.Parallel()
	for _, c := range separators {
		for _, name := range []string{string(c), SeparatorName(c)} {
			if got, err := NamedSeparator(name); err != nil || got != c {
				t.Errorf("%q is %q, %v", name, got, err)
			}
		}
	}
	if _, err := NamedSeparator("x"); err == nil {
		t.Error("x separates columns")
	}
}

// FuzzRecord holds the splitter against encoding/csv: what one of them takes the other one
// takes too, and reads the same in it.
func FuzzRecord(f *testing.F) {
	for _, seed := range []string{`a,b`, `"a, ""b""",c`, `"a`, `a"b`, `"a"b,c`, ` a , "b"`, `,,`, "\"a\nb\",c", `""`, "\"\r\n\""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.ContainsAny(text, "\r") || strings.Trim(text, "\n") != text || Blank([]byte(text)) {
			return // line ends are the business of Lines
		}
		s := splitter{separator: ','}
		state, _ := s.split([]byte(text))
		if state == whole && strings.Contains(text, "\n") && !slices.ContainsFunc(s.fields, func(f field) bool { return f.quoted && bytes.ContainsRune(f.text, '\n') }) {
			return // several lines, which encoding/csv splits
		}
		r := csv.NewReader(strings.NewReader(text))
		want, err := r.Read()
		if _, more := r.Read(); err == nil && !errors.Is(more, io.EOF) {
			return
		}
		if (state == whole) != (err == nil) {
			t.Fatalf("%q is %d, encoding/csv says %v", text, state, err)
		}
		if err != nil {
			return
		}
		if len(s.fields) != len(want) {
			t.Fatalf("%q has %d cells, encoding/csv says %q", text, len(s.fields), want)
		}
		for i, f := range s.fields {
			if !f.quoted {
				want[i] = strings.Trim(want[i], " \t")
			}
			if string(f.text) != want[i] {
				t.Fatalf("%q: cell %d is %q, encoding/csv says %q", text, i, f.text, want[i])
			}
		}
	})
}
