# manual.sh, to be sourced: reads commands out of docs/operations.md, so that what is run
# is what is written there.

# manual SECTION N: prints the Nth block of shell commands of a section.
manual() {
	awk -v section="## $1" -v wanted="$2" '
		/^## / { inside = ($0 == section) }
		inside && /^```$/ { if (open && n == wanted) found = 1; open = 0 }
		inside && open && n == wanted
		inside && /^```sh$/ { open = 1; n++ }
		END { exit !found }
	' docs/operations.md || { echo "docs/operations.md has no block $2 under $1" >&2; return 1; }
}
