package textfile

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/text/cases"
)

// Wanted is a column that a reader needs.
type Wanted struct {
	Name string
	// Titles are its possible titles, the best one first. Case, blanks, hyphens and
	// underscores do not matter.
	Titles []string
	// Told: the title was given by the user, so it must exist.
	Told bool
}

// Layout is what a reader expects of a table.
type Layout struct {
	// Columns are those that it reads. The first one is required; without any, all titles
	// are taken as they are.
	Columns []Wanted
	// Further are other known columns, which may be ignored.
	Further []string
	// Fits reports whether the columns that were found are enough to read the table;
	// nil: the first one is enough.
	Fits func(at map[string]int) bool
	// Want says what the first line must hold, for error sentences.
	Want string
	// Separator is between the cells; 0: detected from the first line.
	Separator byte
	// Limit bounds the bytes of a record that spans several lines.
	Limit int
}

// read splits the line of titles and finds the columns in it.
func (l *Layout) read(line []byte, separator byte) ([]string, map[string]int, *Fault) {
	split := splitter{separator: separator}
	if state, fault := split.split(line); state != whole {
		return nil, nil, fault
	}
	titles := make([]string, len(split.fields))
	for i, f := range split.fields {
		titles[i] = strings.TrimSpace(string(f.text))
	}
	at, fault := l.find(titles)
	return titles, at, fault
}

// find returns the places of the columns, or what is wrong with the titles.
func (l *Layout) find(titles []string) (map[string]int, *Fault) {
	at := map[string]int{}
	for _, c := range l.Columns {
		for _, title := range c.Titles {
			i := slices.IndexFunc(titles, func(s string) bool { return squeeze(s) == squeeze(title) })
			if i < 0 {
				continue
			}
			if again := slices.IndexFunc(titles[i+1:], func(s string) bool { return squeeze(s) == squeeze(title) }); again >= 0 {
				return nil, faultf("the title %q stands twice, over the columns %d and %d; keep one", titles[i], i+1, i+again+2)
			}
			at[c.Name] = i
			break
		}
		if _, found := at[c.Name]; !found && c.Told {
			return nil, faultf("no column has the title %q; there are %s", c.Titles[0], quotedList(titles))
		}
	}
	ok := len(l.Columns) == 0
	if !ok {
		_, ok = at[l.Columns[0].Name]
	}
	if l.Fits != nil {
		ok = ok && l.Fits(at)
	}
	if !ok {
		return nil, faultf("%s; it holds %s", l.Want, quotedList(titles))
	}
	return at, nil
}

// misspelt returns the known title of which this one is probably a misspelling, empty
// if there is none.
func (l *Layout) misspelt(title string) string {
	s := squeeze(title)
	if slices.ContainsFunc(l.Further, func(known string) bool { return squeeze(known) == s }) {
		return ""
	}
	for _, c := range l.Columns {
		if k := squeeze(c.Titles[0]); !c.Told && k != s && near(k, s) {
			return c.Titles[0]
		}
	}
	return ""
}

// further checks the titles that belong to no column.
func (t *Table) further() *Fault {
	used := map[int]bool{}
	for _, i := range t.at {
		used[i] = true
	}
	fold := cases.Fold()
	seen := map[string]int{}
	for i, title := range t.titles {
		if title == "" {
			continue
		}
		key := fold.String(title)
		if first, twice := seen[key]; twice {
			return faultf("the title %q stands twice, over the columns %d and %d; keep one", title, first+1, i+1)
		}
		seen[key] = i
		if used[i] {
			continue
		}
		if name := t.layout.misspelt(title); name != "" {
			return faultf("the title %q of column %d is almost %q; correct it, or take the column out", title, i+1, name)
		}
		t.ignored = append(t.ignored, title)
	}
	return nil
}

func quotedList(titles []string) string {
	const most = 12
	var all []string
	for i, title := range titles {
		if i == most {
			all = append(all, "…")
			break
		}
		all = append(all, fmt.Sprintf("%.64q", title))
	}
	return strings.Join(all, ", ")
}
