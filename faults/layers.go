package main

import (
	"fmt"
	"strings"

	"voted/faults/clocks"
	"voted/faults/corruption"
	"voted/faults/diskerror"
	"voted/faults/hostile"
	"voted/faults/layer"
	"voted/faults/powercut"
	"voted/faults/processes"
	"voted/faults/resources"
)

// layers returns all layers, in the order in which they run.
func layers() []*layer.Layer {
	return []*layer.Layer{
		processes.New(),
		powercut.New(),
		corruption.New(),
		diskerror.New(),
		clocks.New(),
		resources.New(),
		hostile.New(),
	}
}

// choose returns the layers of these ids, or all if there are none.
func choose(ids []string) ([]*layer.Layer, error) {
	all := layers()
	if len(ids) == 0 {
		return all, nil
	}
	var known []string
	byID := map[string]*layer.Layer{}
	for _, l := range all {
		known = append(known, l.ID)
		byID[l.ID] = l
	}
	var chosen []*layer.Layer
	for _, id := range ids {
		l := byID[strings.ToUpper(strings.TrimSpace(id))]
		if l == nil {
			return nil, fmt.Errorf("--layers: there is no layer %q; there are %s", id, strings.Join(known, ", "))
		}
		chosen = append(chosen, l)
	}
	return chosen, nil
}
