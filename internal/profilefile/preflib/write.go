package preflib

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"

	"voted/internal/profile"
	"voted/internal/tally"
)

// Type returns the most restrictive type of data that the ballots fit.
func Type(p *profile.Profile) (string, error) {
	switch p.Form {
	case tally.Choice:
		return "cat", nil
	case tally.Scores:
		return "", &profile.UnwritableError{Detail: "PrefLib has no form for scores; use ABIF or NDJSON"}
	case tally.Ranking:
	}
	if odd := p.Oddities(); odd.Skipped > 0 || odd.Twice > 0 {
		return "", &profile.UnwritableError{Detail: fmt.Sprintf("PrefLib cannot say that a rank was skipped (%d ballots) or that an option has two ranks (%d ballots); use BLT or NDJSON", odd.Skipped, odd.Twice)}
	}
	strict, complete := true, true
	for i := range p.Groups {
		n := 0
		for _, rank := range p.Groups[i].Ranking {
			n += len(rank)
			strict = strict && len(rank) == 1
		}
		complete = complete && (n == len(p.Options) || n == 0)
	}
	kind := "s"
	if !strict {
		kind = "t"
	}
	if complete {
		return kind + "oc", nil
	}
	return kind + "oi", nil
}

// Write writes p, the most frequent order first; p is sorted. name is the name of the
// file without its ending, date such as 2026-11-28. Blank rankings cannot be written;
// their number is in the description.
func Write(w io.Writer, p *profile.Profile, name, date string) error {
	kind, err := Type(p)
	if err != nil {
		return err
	}
	p.Sort(true)
	voters, blank, orders := int64(0), int64(0), 0
	for i := range p.Groups {
		if kind != "cat" && len(p.Groups[i].Ranking) == 0 {
			blank += p.Groups[i].Weight
			continue
		}
		voters += p.Groups[i].Weight
		orders++
	}
	out := bufio.NewWriter(w)
	say := func(name, format string, args ...any) {
		fmt.Fprintf(out, "# %s: %s\n", name, profile.OneLine(fmt.Sprintf(format, args...)))
	}
	about := ""
	if blank > 0 {
		about = fmt.Sprintf("%d blank ballots are left out", blank)
	}
	say("FILE NAME", "%s.%s", name, kind)
	say(titleName, "%s", p.Title)
	say("DESCRIPTION", "%s", about)
	say(typeName, "%s", kind)
	say("MODIFICATION TYPE", "original")
	say("RELATES TO", "")
	say("RELATED FILES", "")
	say("PUBLICATION DATE", "%s", date)
	say("MODIFICATION DATE", "%s", date)
	say(optionsName, "%d", len(p.Options))
	say(votersName, "%d", voters)
	if kind == "cat" {
		say(preferencesName, "%d", orders)
		say(categoriesName, "2")
		say(categoryName+"1", "Yes")
		say(categoryName+"2", "No")
	} else {
		say(ordersName, "%d", orders)
	}
	for i, option := range p.Names() {
		say(optionName+strconv.Itoa(i+1), "%s", option)
	}
	var line []byte
	for i := range p.Groups {
		if g := &p.Groups[i]; kind == "cat" || len(g.Ranking) > 0 {
			line = append(strconv.AppendInt(line[:0], g.Weight, 10), ": "...)
			line = append(appendOrder(line, p, &g.Preference), '\n')
			_, _ = out.Write(line) // Flush returns the error
		}
	}
	return out.Flush()
}

// appendOrder appends a ranking, or the options that were chosen and those that were not.
func appendOrder(line []byte, p *profile.Profile, ballot *tally.Preference) []byte {
	places := ballot.Ranking
	if p.Form == tally.Choice {
		chosen := make([]bool, len(p.Options))
		for _, option := range ballot.Choice {
			chosen[option] = true
		}
		var no []int
		for option, is := range chosen {
			if !is {
				no = append(no, option)
			}
		}
		places = [][]int{ballot.Choice, no}
	}
	for i, place := range places {
		if i > 0 {
			line = append(line, ',')
		}
		numbers := make([]string, len(place))
		for j, option := range place {
			numbers[j] = strconv.Itoa(option + 1)
		}
		text := strings.Join(numbers, ",")
		if len(place) != 1 {
			text = "{" + text + "}"
		}
		line = append(line, text...)
	}
	return line
}
