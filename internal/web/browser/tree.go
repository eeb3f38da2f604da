package browser

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/chromedp/cdproto/accessibility"
)

// silent are the roles that say nothing to whoever listens to a page.
var silent = []string{"none", "generic", "InlineTextBox", "StaticText", "LineBreak", "LabelText", "ListMarker", "RootWebArea", "paragraph", "strong", "emphasis"}

// told are the states that a screen reader says.
var told = []accessibility.PropertyName{"checked", "disabled", "expanded", "invalid", "level", "pressed", "required", "selected", "readonly"}

// Tree returns the accessibility tree of the page, a line for each node that has a role, with
// name, value and states: what a screen reader has to say. Text alone is not in it.
func (p *Tab) Tree() string {
	p.t.Helper()
	nodes := call(p, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{}).Nodes
	byID := map[accessibility.NodeID]*accessibility.Node{}
	for _, n := range nodes {
		byID[n.NodeID] = n
	}
	var out strings.Builder
	var walk func(n *accessibility.Node, depth int)
	walk = func(n *accessibility.Node, depth int) {
		if role := said(n.Role); !n.Ignored && !slices.Contains(silent, role) {
			fmt.Fprintf(&out, "%s%s\n", strings.Repeat("  ", depth), line(n, role))
			depth++
		}
		for _, id := range n.ChildIDs {
			if child := byID[id]; child != nil {
				walk(child, depth)
			}
		}
	}
	if len(nodes) > 0 {
		walk(nodes[0], 0)
	}
	return out.String()
}

func line(n *accessibility.Node, role string) string {
	text := role
	if name := said(n.Name); name != "" {
		text += " " + fmt.Sprintf("%q", name)
	}
	if value := said(n.Value); value != "" {
		text += " = " + value
	}
	for _, property := range n.Properties {
		if value := said(property.Value); slices.Contains(told, property.Name) && value != "false" && value != "" {
			text += fmt.Sprintf(" %s=%s", property.Name, value)
		}
	}
	return text
}

// said returns a value of the tree as text.
func said(v *accessibility.Value) string {
	if v == nil || len(v.Value) == 0 {
		return ""
	}
	var text string
	if json.Unmarshal(v.Value, &text) == nil {
		return strings.Join(strings.Fields(text), " ")
	}
	return string(v.Value)
}
