package public

import (
	"math/big"
	"strconv"
	"strings"

	"voted/internal/resultjson"
	"voted/internal/web/frame"
)

// speaker says things about one poll in one language.
type speaker struct {
	*frame.Language
	names map[string]string // of options, by their ids
}

func (l *look) speaker(words *frame.Language) *speaker { return &speaker{words, l.poll.names()} }

// name is the title of an option within a sentence: its direction of writing does not turn the sentence around.
func (s *speaker) name(id string) string {
	name, known := s.names[id]
	if !known {
		name = id
	}
	return isolated(name)
}

// isolated sets a person's text apart from the sentence that it stands in, as <bdi> does.
func isolated(text string) string { return "\u2068" + text + "\u2069" }

// list names options, such as "Ann, Bo and Cy"; word is the key of the word before the last one.
func (s *speaker) list(ids []string, word string) string {
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = s.name(id)
	}
	return s.joined(names, word)
}

func (s *speaker) joined(parts []string, word string) string {
	n := len(parts)
	if n < 2 {
		return strings.Join(parts, "")
	}
	return strings.Join(parts[:n-1], ", ") + " " + s.Text(word) + " " + parts[n-1]
}

// english names options for sentences that are in English; and is the word before the last name.
func (s *speaker) english(ids []string, and string) string {
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = s.name(id)
	}
	if n := len(names); n > 1 {
		return strings.Join(names[:n-1], ", ") + " " + and + " " + names[n-1]
	}
	return strings.Join(names, "")
}

// number writes a number with its decimals, as the language does.
func (s *speaker) number(n resultjson.Number) string {
	whole, decimals, fraction := strings.Cut(string(n), ".")
	value, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return string(n)
	}
	text := s.Number(value)
	if whole == "-0" {
		text = "-" + text
	}
	if fraction {
		text += s.Text("public.decimal") + decimals
	}
	return text
}

// rounded is number with as many decimals at most.
func (s *speaker) rounded(n resultjson.Number, most int) string {
	if dot := strings.IndexByte(string(n), '.'); dot >= 0 && len(n)-dot-1 > most {
		if r, ok := new(big.Rat).SetString(string(n)); ok {
			n = resultjson.Number(r.FloatString(most))
		}
	}
	return s.number(n)
}

// percent writes a part of a whole; it is empty if there is no whole.
func (s *speaker) percent(part, whole float64) string {
	if whole <= 0 {
		return ""
	}
	return s.Text("public.percent", part/whole*100)
}

// change writes by how much a number has grown or shrunk, with its sign; empty if it is the same.
func (s *speaker) change(from, to resultjson.Number) string {
	a, okA := new(big.Rat).SetString(string(from))
	b, okB := new(big.Rat).SetString(string(to))
	if !okA || !okB {
		return ""
	}
	decimals := max(decimalsOf(from), decimalsOf(to))
	switch d := b.Sub(b, a); d.Sign() {
	case 1:
		return "+" + s.number(resultjson.Number(d.FloatString(decimals)))
	case -1:
		return "−" + s.number(resultjson.Number(d.Neg(d).FloatString(decimals)))
	}
	return ""
}

// less is the exact difference of two numbers.
func less(a, b resultjson.Number) resultjson.Number {
	x, okX := new(big.Rat).SetString(string(a))
	y, okY := new(big.Rat).SetString(string(b))
	if !okX || !okY {
		return "0"
	}
	return resultjson.Number(x.Sub(x, y).FloatString(max(decimalsOf(a), decimalsOf(b))))
}

func decimalsOf(n resultjson.Number) int {
	if dot := strings.IndexByte(string(n), '.'); dot >= 0 {
		return len(n) - dot - 1
	}
	return 0
}

// float is a number as charts need it.
func float(n resultjson.Number) float64 {
	f, _ := strconv.ParseFloat(string(n), 64) // what the API sent is one, or empty
	return f
}

func isZero(n resultjson.Number) bool { return strings.Trim(string(n), "-0.") == "" }
