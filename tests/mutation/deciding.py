"""Enforcement points of the policy engine."""

from __future__ import annotations

from tests.mutation.point import Point

ENGINE = "tests/policies/test_policy_engine.py::"
GRANT = "tests/policies/test_grants.py::"
DUTY = "tests/policies/test_obligations.py::"
FOLLOW = "tests/policies/test_follow.py::"
UNIFORM = "tests/policies/test_uniform.py::"
INBUILT = "tests/policies/test_inbuilt.py::"
FLOOR = "tests/policies/test_floor.py::"
MODES = "tests/policies/test_special_modes.py::"
FEW = "tests/policies/test_few_values.py::"
HELD = "tests/policies/test_held_back.py::"

# fmt: off
MANDATORY = (
    Point(
        "ceiling", "a label above the hub's ceiling bars everybody",
        "policies/standing.py",
        "if not under_ceiling(label, packs, ceiling):", "if False:",
        (f"{ENGINE}test_the_ceiling_binds_whoever_asks",),
    ),
    Point(
        "dominance", "a clearance that does not dominate the label bars",
        "policies/standing.py",
        "if not packs.scheme.dominates(subject.clearance, label):", "if False:",
        (f"{ENGINE}test_12_no_permit_overrides_dominance", f"{INBUILT}test_no_read_up"),
    ),
    Point(
        "compartments", "a caller outside a compartment is barred",
        "policies/standing.py",
        "if not label.compartments <= subject.compartments:", "if False:",
        (f"{ENGINE}test_13_and_14_compartments",),
    ),
    Point(
        "withheld", "a withheld field is for its owner alone",
        "policies/standing.py",
        'cell.facts.share == "withheld"', "False",
        (f"{GRANT}test_12_no_grant_overrides_the_mandatory_checks",),
    ),
    Point(
        "unlabelled", "a field without a level is for its owner alone",
        "policies/standing.py",
        'return None if label.levels else "unlabelled"', "return None",
        (f"{ENGINE}test_a_field_without_a_level_is_for_its_owner",),
    ),
    Point(
        "owner elsewhere", "a department of another region is not the owner",
        "policies/condition.py",
        "return subject.region == region if subject.region else None", "return True",
        (f"{ENGINE}test_a_department_elsewhere_is_not_the_owner",),
    ),
    Point(
        "bars at a relation's ends", "nobody follows a relation whose key a mandatory check bars",
        "policies/decide.py",
        "for bar in filter(None, (end.scope.standing.barred(end.cell) for end in ends)):",
        "for bar in ():",
        (f"{FOLLOW}test_no_name_opens_what_a_mandatory_check_bars",),
    ),
)

RULES = (
    Point(
        "default deny (reading)", "what no permit names is not read",
        "policies/decide.py",
        'return self._denied(Null(self._code()), (), "default")',
        'return Verdict(_ALLOW, (), "default")',
        (f"{ENGINE}test_7_what_no_permit_names_is_null_and_says_why",),
    ),
    Point(
        "default deny (other uses)", "what no permit names is not filtered by, sorted by and so on",
        "policies/decide.py",
        "return _no_rows(self._of.emptied if permits else ())",
        "return Verdict(_ALLOW, (), \"default\")",
        (f"{ENGINE}test_6_a_birth_date_becomes_its_year",),
    ),
    Point(
        "modes of permits", "a permit opens the modes that it lists",
        "policies/scope.py",
        "if mode in rule.modes and _lists(rule, function):\n                rows",
        "if True:\n                rows",
        (f"{HELD}test_a_permit_opens_the_modes_that_it_lists",),
    ),
    Point(
        "functions of permits", "a permit for sums opens no other figure",
        "policies/scope.py",
        "return function is None or rule.functions is None or function in rule.functions",
        "return True",
        (f"{HELD}test_a_permit_for_sums_opens_no_other_figure",),
    ),
    Point(
        "permit on unknown", "a permit whose conditions cannot be decided permits nothing",
        "policies/residue.py",
        "return Always(value is positive)",
        "return Always(value is positive or (value is None and positive))",
        ("tests/policies/test_policy_rows.py::test_a_clerk_without_a_region_has_no_rows",),
    ),
    Point(
        "forbid and require on unknown",
        "prohibitions and requirements whose conditions cannot be decided apply",
        "policies/residue.py",
        "return Always(value is positive)",
        "return Always(value is positive or (value is None and not positive))",
        (
            f"{ENGINE}test_a_forbid_that_cannot_be_decided_denies",
            f"{HELD}test_a_requirement_that_cannot_be_decided_applies",
        ),
    ),
    Point(
        "forbid (reading)", "a prohibition that applies denies reading",
        "policies/decide.py",
        "if firing:", "if False:",
        (f"{ENGINE}test_how_a_denial_looks",),
    ),
    Point(
        "forbid (other uses)", "a prohibition that applies denies every other use",
        "policies/decide.py",
        "for rule, clear in scope.forbids(self.cell.cover, mode, function):\n            if not",
        "for rule, clear in scope.forbids(self.cell.cover, mode, function):\n"
        "            if False and not",
        (f"{HELD}test_a_prohibition_of_filtering_leaves_reading",),
    ),
    Point(
        "forbid (lists)", "a prohibition on a type denies listing, opening and counting",
        "policies/decide.py",
        "for rule, clear in scope.forbids(cover, mode):\n            if not",
        "for rule, clear in scope.forbids(cover, mode):\n            if False and not",
        (f"{HELD}test_a_prohibition_of_counting_leaves_lists",),
    ),
    Point(
        "forbidden rows", "rows that a prohibition is about do not exist",
        "policies/scope.py",
        "held, rules = self.table.takers, self.variants", "held, rules = (), self.variants",
        ("tests/policies/test_policy_rows.py::test_a_forbid_takes_rows_away",),
    ),
    Point(
        "all rows forbidden",
        "a prohibition that is clear of no row leaves nothing of a type, in any mode",
        "policies/scope.py",
        "if opened == FALSE or self.emptying():", "if opened == FALSE:",
        (
            "tests/policies/test_rows_taken.py::"
            "test_whoever_acts_has_no_figures_over_rows_that_its_principal_has_not",
        ),
    ),
    Point(
        "rows that are left",
        "a rule that takes rows away tells nothing of those it leaves by what it denies there",
        "policies/scope.py",
        "any(other == rule.id and implies(left, where) for", "any(other == rule.id for",
        (
            "tests/policies/test_rows_taken.py::"
            "test_rows_that_it_leaves_are_not_told_apart_by_fields_of_others",
        ),
    ),
    Point(
        "required rows", "rows outside a requirement's row filter do not exist",
        "policies/scope.py",
        "if rows is None:\n            return TRUE", "if True:\n            return TRUE",
        ("tests/policies/test_policy_rows.py::test_a_require_filters_rows",),
    ),
    Point(
        "requirements", "what a permit gives is met with every requirement",
        "policies/candidate.py",
        "seen = met(limits)", "seen = met([])",
        (f"{ENGINE}test_8_an_amount_becomes_its_bucket",),
    ),
    Point(
        "strictest", "masks that show different things together show nothing",
        "policies/meet.py",
        "if first.mask != second.mask:\n        return REDACT",
        "if first.mask != second.mask:\n        return first",
        ("tests/policies/test_meet.py::test_pairs",),
    ),
    Point(
        "mask that does not fit", "a mask that does not fit the scalar kind becomes `redact`",
        "policies/meet.py",
        "!= kind:\n            outcome = REDACT", "!= kind:\n            return Allow()",
        ("tests/policies/test_meet.py::test_a_mask_that_does_not_fit_becomes_redact",),
    ),
    Point(
        "conditional by name", "a permit for everything leaves out what is shared conditionally",
        "policies/compile.py",
        'if share != "unconditional" and naming == "wild" and not stated:', "if False:",
        (f"{HELD}test_a_permit_for_everything_leaves_out_what_is_conditional",),
    ),
    Point(
        "sensitive by name", "a permit for a type leaves out sensitive categories",
        "policies/compile.py",
        "return all(_listed(held, selector, packs) for held in label.categories & packs.sensitive)",
        "return True",
        (f"{ENGINE}test_a_permit_must_name_what_is_sensitive",),
    ),
    Point(
        "floors", "owners' floors are in force beside every bundle",
        "policies/inbuilt.py",
        "        *_made(FLOORS, floor_rules(catalogue)),\n", "",
        (f"{FLOOR}test_a_mask_for_everybody_but_the_owner",),
    ),
    Point(
        "packs", "the rules of packs are in force beside every bundle",
        "policies/inbuilt.py",
        "        *pack_bundles(packs),\n", "",
        (f"{INBUILT}test_dissemination_controls",),
    ),
    Point(
        "purposes of the credentials", "a purpose that the credentials do not hold is refused",
        "policies/engine.py",
        "if context.purpose is not None and context.purpose not in subject.purposes:", "if False:",
        (f"{ENGINE}test_9_a_purpose_that_the_credentials_do_not_hold",),
    ),
    Point(
        "purposes of rules", "a rule for a purpose holds for that purpose alone",
        "policies/condition.py",
        "return any(held.packs.within(stated, purpose) for purpose in purposes)", "return True",
        (f"{HELD}test_a_rule_for_a_purpose_holds_for_no_other",),
    ),
    Point(
        "time windows", "outside its window a rule is not there",
        "policies/standing.py",
        "in_force = _in_force(variant, self._held.context.now, open_windows=self._open_windows)",
        "in_force = TRUE",
        (f"{ENGINE}test_20_outside_the_hours_of_a_rule",),
    ),
    Point(
        "network zones", "a rule for a network zone holds in no other",
        "policies/condition.py",
        "return getattr(held.context, of.name) or None",
        'return getattr(held.context, of.name) or ("extranet" if of.name[:3] == "net" else None)',
        (f"{DUTY}test_a_network_zone",),
    ),
    Point(
        "stronger log-in", "`step_up` denies a weaker log-in",
        "policies/carried.py",
        'return OneOf(Attribute("context", "acr"), acr)', "return every()",
        (f"{DUTY}test_a_stronger_log_in",),
    ),
    Point(
        "case", "`case_id` denies without a case",
        "policies/carried.py",
        'return Present(Attribute("context", "case_id"))', "return every()",
        (f"{DUTY}test_a_case",),
    ),
    Point(
        "obligations carried out", "an obligation that nobody carries out denies",
        "policies/carried.py",
        "return every() if type(obligation) in enforced else FALSE", "return every()",
        (f"{DUTY}test_what_nobody_carries_out_denies",),
    ),
    Point(
        "figures alone", "a requirement of figures alone forbids every other mode",
        "policies/carried.py",
        "if single and any(isinstance(one, AggregateOnly) for one in kept):", "if False:",
        (f"{DUTY}test_a_requirement_of_figures_forbids_everything_else",),
    ),
    Point(
        "each caller's decisions", "decisions are shared by callers of the same attributes alone",
        "policies/standings.py",
        "subject.region, tuple(sorted(subject.clearance.items())), subject.compartments,",
        "subject.region, tuple(sorted(subject.clearance.items())),",
        (f"{ENGINE}test_13_and_14_compartments",),
    ),
    Point(
        "decisions on a type", "decisions on a type are shared by those who stand alike in it",
        "policies/engine.py",
        "key = (name, *standing.of_type(table))", "key = (name,)",
        (f"{ENGINE}test_13_and_14_compartments",),
    ),
)

SUBTLE = (
    Point(
        "uses of masked fields", "a field that is not shown as it is may not be operated on",
        "policies/decide.py",
        "if isinstance(shown.outcome, Allow):", "if True:",
        (f"{HELD}test_no_permit_filters_by_what_is_not_shown_in_every_row",),
    ),
    Point(
        "least and greatest", "`min` and `max` count as reading",
        "policies/decide.py",
        'return mode != "aggregate" or function in ("min", "max")', 'return mode != "aggregate"',
        (f"{ENGINE}test_22_and_24_an_analyst_has_aggregates_only",),
    ),
    Point(
        "groups by key", "grouping by a key counts as reading",
        "policies/decide.py",
        "return self.cell.key_alone", "return False",
        (f"{ENGINE}test_grouping_by_a_key_is_reading_it",),
    ),
    Point(
        "figures over masked fields", "no figure is made of what a requirement masks",
        "policies/decide.py",
        'if any(rule.outcome for _, rule, _ in scope.requires(self.cell.cover, "project")):',
        "if False:",
        (f"{HELD}test_no_sums_of_what_is_masked_for_reading_alone",),
    ),
    Point(
        "relations", "a relation is followed only if its key is shown alike at both ends",
        "policies/decide.py",
        "if not alike and (told or not (joined or here.names(name))):", "if False:",
        (f"{FOLLOW}test_both_ends_alike_or_named",),
    ),
    Point(
        "relations past floors", "no permit on a relation shows what a floor covers at one end",
        "policies/decide.py",
        "if not alike and (told or not (joined or here.names(name))):",
        "if not alike and not (joined or here.names(name)):",
        (f"{FLOOR}test_no_permit_goes_around_a_floor_by_a_relation",),
    ),
    Point(
        "joins by both ends", "a permit to join by one end opens no relation",
        "policies/decide.py",
        "joined = all(isinstance(end.", "joined = any(isinstance(end.",
        (f"{MODES}test_relations_are_followed_by_keys_that_may_be_joined",),
    ),
    Point(
        "prohibited joins", "a prohibition of `join` closes relations that permits name too",
        "policies/scope.py",
        "if rule.closes_joins and not implies(rows or TRUE, clear)", "if False",
        (f"{MODES}test_relations_are_followed_by_keys_that_may_be_joined",),
    ),
    Point(
        "groups of permits", "no group of a permit implies a mode that stands alone",
        "policies/syntax.py",
        '"all": EVERY_MODE - SPECIAL_MODES,', '"all": EVERY_MODE,',
        (f"{MODES}test_no_group_of_a_permit_implies_them",),
    ),
    Point(
        "limits of everything", "a limit of every mode is one of those that stand alone",
        "policies/syntax.py",
        "modes = EVERY_MODE  # fails closed", "pass  # fails closed",
        (f"{MODES}test_a_limit_of_everything_limits_them",),
    ),
    Point(
        "modes without rows", "a permit to join, export or know of a field opens no row",
        "policies/scope.py",
        "set(self.variants[number].rule.modes - SPECIAL_MODES)",
        "set(self.variants[number].rule.modes)",
        (f"{MODES}test_none_says_that_rows_exist",),
    ),
    Point(
        "few values", "codes of few values are not shown",
        "policies/candidate.py",
        "REDACT if cell.few and is_coded(outcome) else outcome", "outcome",
        (f"{FEW}test_where_a_rule_reaches_it_with_others_it_is_redacted",),
    ),
    Point(
        "uncounted lists", "a code list that no pack counts has few values",
        "policies/distinct.py",
        "packs.distinct.get(field.codes, 0)", "packs.distinct.get(field.codes, 10**9)",
        (f"{FEW}test_a_rule_that_names_the_field_is_refused",),
    ),
    Point(
        "masks alike in all rows", "a mask for some rows does not tell which rows they are",
        "policies/decide.py",
        "return conjunction([where, *shown])", "return where",
        (
            f"{UNIFORM}test_else_all_rows_are_masked_alike",
            f"{UNIFORM}test_a_prohibition_in_some_rows_is_one_in_all",
        ),
    ),
    Point(
        "hidden metadata", "a field whose metadata is hidden does not exist for others",
        "policies/decide.py",
        'secret = metadata == "hidden" or (', "secret = (",
        (
            f"{ENGINE}test_15_what_is_hidden_looks_like_what_is_not",
            f"{HELD}test_what_is_hidden_does_not_exist",
        ),
    ),
    Point(
        "metadata of members", "a field for members does not exist for other departments",
        "policies/decide.py",
        'metadata == "members" and not self.scope.standing.owned(self.cell)', "False",
        (f"{ENGINE}test_members_see_that_a_field_exists",),
    ),
    Point(
        "visible fields", "what is hidden is no part of what exists for the caller",
        "policies/visibility.py",
        "if shape[0]:", "if True:",
        (f"{ENGINE}test_13_and_14_compartments",),
    ),
    Point(
        "visible uses", "uses that are denied are no part of what exists for the caller",
        "policies/visibility.py",
        "return isinstance(outcome, Allow)", "return True",
        (
            f"{FOLLOW}test_both_ends_alike_or_named",
            "tests/policies/test_visible.py::test_an_analyst_sees_aggregates",
        ),
    ),
)
