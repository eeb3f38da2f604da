package ballottext

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"voted/internal/poll"
	"voted/internal/tally"
)

// Skipped stands for a rank without an option. It can be no option's id.
const Skipped = "_"

// Error says what is wrong with a text, and at which byte, from 0.
type Error struct {
	Offset int
	Detail string
}

func (e *Error) Error() string { return e.Detail }

// Read returns the marks in the text of a ballot of a form. Blanks around options do
// not matter. Two older signs are also read where they are unambiguous: ";" for ">" in
// a ranking without ">", and ":" for "=" in scores. Errors are *Error. Read does not
// check whether the poll has such options.
func Read(form tally.Form, text string) (poll.Marks, error) {
	switch form {
	case tally.Ranking:
		ranking, err := readRanking(text)
		return poll.Marks{Ranking: ranking}, err
	case tally.Scores:
		scores, err := readScores(text)
		return poll.Marks{Scores: scores}, err
	case tally.Choice:
	}
	selections := []string{}
	err := each(text, ";", 0, func(option string, at int) error {
		if i := strings.IndexAny(option, ">=:"); i >= 0 {
			return &Error{at + i, "options that are chosen stand apart by semicolons, as in ann;bo"}
		}
		selections = append(selections, option)
		return nil
	})
	return poll.Marks{Selections: selections}, err
}

func readRanking(text string) ([][]string, error) {
	sign := ">"
	if !strings.Contains(text, ">") && strings.Contains(text, ";") {
		sign = ";"
	}
	ranking := [][]string{}
	err := each(text, sign, 0, func(rank string, at int) error {
		if rank == Skipped {
			ranking = append(ranking, nil)
			return nil
		}
		var tier []string
		err := each(rank, "=", at, func(option string, at int) error {
			if i := strings.IndexAny(option, ";>:"); i >= 0 {
				return &Error{at + i, "ranks stand apart by >, the best first, and tied options by =, as in bo>ann=cy"}
			}
			tier = append(tier, option)
			return nil
		})
		ranking = append(ranking, tier)
		return err
	})
	return ranking, err
}

func readScores(text string) ([]poll.Score, error) {
	scores := []poll.Score{}
	seen := map[string]bool{}
	err := each(text, ";", 0, func(pair string, at int) error {
		option, points, ok := strings.Cut(pair, "=")
		if !ok {
			option, points, ok = strings.Cut(pair, ":")
		}
		points = strings.TrimSpace(points)
		option = strings.TrimSpace(option)
		n, err := strconv.Atoi(points)
		if !ok || err != nil || strconv.Itoa(n) != points || option == "" || strings.ContainsAny(option, ">:") {
			return &Error{at, fmt.Sprintf("%.64q is not an option with its points, such as ann=5; several stand apart by semicolons", pair)}
		}
		if seen[option] {
			return &Error{at, fmt.Sprintf("the option %.64q has points twice; keep one", option)}
		}
		seen[option] = true
		scores = append(scores, poll.Score{Option: option, Points: n})
		return nil
	})
	return scores, err
}

// each calls do for the parts of a text, without the blanks around them, and with the
// offset at which each begins. An empty text has no parts; an empty part is an error.
func each(text, sign string, at int, do func(part string, at int) error) error {
	if strings.TrimSpace(text) == "" && at == 0 {
		return nil
	}
	for {
		part, rest, more := strings.Cut(text, sign)
		trimmed := strings.TrimLeft(part, " \t")
		start := at + len(part) - len(trimmed)
		if trimmed = strings.TrimRight(trimmed, " \t"); trimmed == "" {
			return &Error{start, fmt.Sprintf("an option is missing here; take the %q out, or write the option", sign)}
		}
		if err := do(trimmed, start); err != nil {
			return err
		}
		if !more {
			return nil
		}
		at += len(part) + len(sign)
		text = rest
	}
}

// FormOf returns the form of ballots that have this field: selections, ranking or
// scores.
func FormOf(field string) (tally.Form, error) {
	switch field {
	case "selections":
		return tally.Choice, nil
	case "ranking":
		return tally.Ranking, nil
	case "scores":
		return tally.Scores, nil
	}
	return 0, errors.New("there is no such form of ballots")
}
