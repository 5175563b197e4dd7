"""What the tree of a rule's clauses says: how few of them keep it from holding, and which."""

from hypothesis import given
from hypothesis import strategies as st

from correlator.why.answer import Condition
from correlator.why.clause import cost, failing, said

leaf = st.booleans().map(lambda held: Condition("match", held, "f", '"x"', "y"))


def _joined(parts: list[Condition]) -> st.SearchStrategy[Condition]:
    ands = Condition("and", all(part.held for part in parts), of=tuple(parts))
    ors = Condition("or", any(part.held for part in parts), of=tuple(parts))
    return st.sampled_from([ands, ors])


trees = st.recursive(
    leaf,
    lambda inner: st.one_of(
        inner.map(lambda part: Condition("not", not part.held, of=(part,))),
        st.lists(inner, min_size=1, max_size=4).flatmap(_joined),
    ),
    max_leaves=12,
)


def changed(tree: Condition, flips: set[int]) -> bool:
    """Whether a tree holds when the answers of some leaves (by identity) are turned round."""
    if tree.op == "not":
        return not changed(tree.of[0], flips)
    if tree.op in {"and", "or"}:
        inner = [changed(part, flips) for part in tree.of]
        return all(inner) if tree.op == "and" else any(inner)
    return tree.held is not (id(tree) in flips)


@given(trees, st.booleans())
def test_nothing_is_to_be_changed_exactly_where_it_is_as_it_should_be(tree: Condition, held: bool) -> None:
    assert (cost(tree, held) == 0) is (tree.held is held)


@given(trees, st.booleans())
def test_changing_the_clauses_that_fail_is_enough_and_there_are_as_many_as_said(tree: Condition, held: bool) -> None:
    clauses = [clause for clause, _ in failing(tree, held)]
    assert len(clauses) == cost(tree, held)
    distinct = {id(clause) for clause in clauses}
    if len(distinct) == len(clauses):
        assert changed(tree, distinct) is held


def test_a_failing_clause_is_a_phrase() -> None:
    assert said(Condition("number", False, "weapon.score", "≥ 0.6", "0.35")) == "weapon.score 0.35 is not ≥ 0.6"
    assert said(Condition("match", True, "user.name", '"root"', "root"), False) == 'user.name root is "root"'
    near = Condition("match", False, "weapon.score", '"x"', None, "weapon.scores")
    assert said(near) == "it has no weapon.score (it has weapon.scores)"
