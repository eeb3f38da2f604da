package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"voted/faults/layer"
)

// table prints the counts for people.
func table(out io.Writer, all *results) {
	fmt.Fprintf(out, "\n%s, %d CPUs, seed %d, floors %s\n\n", all.When.Format("2006-01-02 15:04 MST"), all.CPUs, all.Seed, all.Floor)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "layer\tfaults made\tacknowledged\tlost\ttwice\tinputs\tcontrols\tseconds\tresult")
	for _, r := range all.Layers {
		lines := made(r)
		first, rest := "none", []string(nil)
		if len(lines) > 0 {
			first, rest = lines[0], lines[1:]
		}
		fmt.Fprintf(w, "%s %s\t%s\t%d\t%d\t%d\t%d\t%s\t%.0f\t%s\n",
			r.Layer, r.Title, first, r.Acknowledged, r.Lost, r.DoubleCounted, r.Inputs, controls(r), r.Seconds, result(r))
		for _, l := range rest {
			fmt.Fprintf(w, "\t%s\t\t\t\t\t\t\t\n", l)
		}
	}
	_ = w.Flush() // if it cannot be shown, it is still in faults.json
	for _, r := range all.Layers {
		details(out, r)
	}
}

// made returns a line for each kind of fault, those with a floor first.
func made(r *layer.Report) (lines []string) {
	with := map[string]bool{}
	for _, f := range r.Floors {
		with[f.Kind] = true
		lines = append(lines, fmt.Sprintf("%d of %d %s", f.Reached, f.Floor, f.Kind))
	}
	for _, kind := range slices.Sorted(maps.Keys(r.Faults)) {
		if !with[kind] {
			lines = append(lines, fmt.Sprintf("%d %s", r.Faults[kind], kind))
		}
	}
	return lines
}

func controls(r *layer.Report) string {
	caught := 0
	for _, c := range r.Controls {
		if c.Caught {
			caught++
		}
	}
	return fmt.Sprintf("%d of %d", caught, len(r.Controls))
}

func result(r *layer.Report) string {
	switch {
	case r.Violated():
		return "VIOLATED"
	case r.Error != "":
		return "failed"
	case r.Below() && len(r.Skipped) > 0:
		return "skipped"
	case r.Below():
		return "below floor"
	}
	return "held"
}

// details prints what does not fit into the table.
func details(out io.Writer, r *layer.Report) {
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(r.Figures)) {
		lines = append(lines, fmt.Sprintf("%s: %.4g", name, r.Figures[name]))
	}
	for _, c := range r.Controls {
		how := "caught"
		if !c.Caught {
			how = "NOT CAUGHT"
		}
		lines = append(lines, fmt.Sprintf("negative control %q: %s (%s)", c.Name, how, c.How))
	}
	for _, s := range r.Skipped {
		lines = append(lines, fmt.Sprintf("skipped: %s, because %s", s.What, s.Why))
	}
	for _, v := range r.Violations {
		lines = append(lines, "violation: "+v)
	}
	if more := r.ViolationCount - len(r.Violations); more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more violations", more))
	}
	if r.Error != "" {
		lines = append(lines, "error: "+r.Error)
	}
	if len(lines) > 0 {
		fmt.Fprintf(out, "\n%s %s\n  %s\n", r.Layer, r.Title, strings.Join(lines, "\n  "))
	}
}
