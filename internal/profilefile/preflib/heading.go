package preflib

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"voted/internal/poll"
	"voted/internal/profile"
	"voted/internal/textfile"
)

// The names in a heading that are read.
const (
	titleName       = "TITLE"
	typeName        = "DATA TYPE"
	optionsName     = "NUMBER ALTERNATIVES"
	votersName      = "NUMBER VOTERS"
	ordersName      = "NUMBER UNIQUE ORDERS"
	preferencesName = "NUMBER UNIQUE PREFERENCES" // in categories
	categoriesName  = "NUMBER CATEGORIES"
	optionName      = "ALTERNATIVE NAME "
	categoryName    = "CATEGORY NAME "
)

// types are the types of data that are read.
var types = []string{"soc", "soi", "toc", "toi", "cat"}

// heading is what the lines with # say.
type heading struct {
	title, kind string
	names       []string // of the options
	categories  int
	voters      int64 // 0: not said
	orders      int64 // 0: not said
	seen        map[string]bool
	options     int // lines with a name
}

// line reads a line of the heading.
func (h *heading) line(line []byte) *textfile.Fault {
	name, value, ok := bytes.Cut(line[1:], []byte(":"))
	if !ok {
		return &textfile.Fault{Column: 1, Detail: "a line of the heading is a name and a value with a colon between, such as # DATA TYPE: soi"}
	}
	column := textfile.Column(line, len(line)-len(bytes.TrimLeft(value, " \t")))
	key, text := strings.TrimSpace(string(name)), strings.TrimSpace(string(value))
	fault := func(format string, args ...any) *textfile.Fault {
		return &textfile.Fault{Column: column, Detail: fmt.Sprintf(format, args...)}
	}
	if h.seen[key] {
		return fault("the heading has %.64q twice; keep one", key)
	}
	h.seen[key] = true
	number := func(most int64) (int64, *textfile.Fault) {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 0 || n > most {
			return 0, fault("%.32q cannot be %s, which is a whole number up to %d", text, key, most)
		}
		return n, nil
	}
	var wrong *textfile.Fault
	var n int64
	switch {
	case key == titleName:
		h.title = text
	case key == typeName:
		if h.kind = text; !slices.Contains(types, text) {
			return fault("the data type %.32q cannot be counted; these can: %s", text, strings.Join(types, ", "))
		}
	case key == optionsName:
		if n, wrong = number(poll.MaxOptions); wrong == nil {
			h.names = make([]string, n)
		}
	case key == categoriesName:
		n, wrong = number(poll.MaxOptions)
		h.categories = int(n)
	case key == votersName:
		h.voters, wrong = number(profile.MaxBallots)
	case key == ordersName, key == preferencesName:
		h.orders, wrong = number(profile.MaxBallots)
	case strings.HasPrefix(key, optionName):
		return h.option(key, text, fault)
	}
	return wrong
}

// option reads the name of an option.
func (h *heading) option(key, name string, fault func(string, ...any) *textfile.Fault) *textfile.Fault {
	n, err := strconv.Atoi(strings.TrimPrefix(key, optionName))
	switch {
	case len(h.names) == 0:
		return fault("the heading must say how many options there are before it names them: a line # %s", optionsName)
	case err != nil || n < 1 || n > len(h.names):
		return fault("the heading says that there are %d options, and names one of another number", len(h.names))
	case name == "":
		return fault("option %d has no name", n)
	}
	if first := slices.Index(h.names, name); first >= 0 {
		return fault("options %d and %d are both named %.64q; each needs a name of its own", first+1, n, name)
	}
	h.names[n-1] = name
	h.options++
	return nil
}

// complete returns what is missing in the heading; empty if nothing is.
func (h *heading) complete() string {
	switch {
	case h.kind == "":
		return "the heading lacks a line # " + typeName
	case len(h.names) == 0:
		return "the heading lacks a line # " + optionsName
	case h.options < len(h.names):
		return fmt.Sprintf("the heading names %d options of %d", h.options, len(h.names))
	case h.kind == "cat" && h.categories < 2:
		return "the heading lacks a line # " + categoriesName + " with a number from 2 on"
	}
	return ""
}
