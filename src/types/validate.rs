//! Running a type's program on a value.
//!
//! 1. Nothing recurses over the value, and nothing is allocated while it fits: open tables are frames in a buffer of fixed size on
//!    the native stack (more than its capacity are only open in unions and validators inside each other).
//! 2. Work is paid for; when the budget is used up, the frames' values move to the function's window, the rest is kept with the
//!    call, and the next slice goes on. Nothing but finalizers can run meanwhile; a table that they change may be looked at
//!    partly before and partly after.
//! 3. What `fit` sees at once to fit gets no frame.
//! 4. A value fails at the first thing found wrong, except in a union, where the next member gets its chance.
//! 5. A long validation remembers outcomes ([`Memo`]), which changes no answer. Of failures only those inside of unions are of
//!    use: there it does not matter what was wrong. The others end the validation.

use super::compiling::{Compiling, Lookup, program_of};
use super::constraint::Constraint;
use super::failure::{Failure, Fault};
use super::fit::{Glance, element, is_in_sequence, length};
use super::memo::{Ending, Memo, Reach};
use super::pattern::{Compiled, Pattern, Search};
use super::program::{Check, CheckId, FieldCheck, Program, Verdict};
use super::suspension::Suspended;
use super::value::{STEPS, known_program};
use crate::limits::{
    MAX_FORGOTTEN_CHECKS, MAX_LEAF_DEPTH, MAX_OPEN_CHECKS, MAX_PATTERN_BYTES, MAX_VALUE_LEVELS,
};
use crate::vm::LuaError;
use crate::vm::native::{Cx, Kind, Kinds, Probe, Tab, Val};
use smallvec::SmallVec;
use std::sync::Arc;

/// Elements looked at between two looks at the budget.
const PIECE: usize = 1024;

/// Elements for one reduction.
pub(super) const ELEMENTS: usize = 8;

/// How validation ended, or that it has not.
pub enum Outcome {
    Pass,
    Fail(Box<Failure>),
    /// The budget is used up.
    Again,
}

/// A check under way.
pub(super) struct Frame<'gc> {
    /// The type value whose program this is.
    pub(super) source: Val<'gc>,
    pub(super) program: &'gc Program,
    pub(super) check: CheckId,
    /// How far the checks before this one got in the frame below.
    pub(super) before: Reach,
    /// The map entry's key has been checked, its value has not.
    pub(super) at_value: bool,
    pub(super) value: Val<'gc>,
    /// Next element, field, member or table place.
    pub(super) at: usize,
    /// Length of the sequence.
    pub(super) end: usize,
    /// Key of the map entry.
    pub(super) key: Val<'gc>,
}

pub(super) enum Step<'gc> {
    Enter { source: Val<'gc>, program: &'gc Program, check: CheckId, value: Val<'gc> },
    Passed,
    Failed(Raised<'gc>),
    Again,
}

/// A fault where it was found.
pub(super) enum Raised<'gc> {
    /// Of this check of a type value.
    Mismatch(Val<'gc>, CheckId, Val<'gc>),
    Constraint {
        name: &'static str,
        message: &'static str,
    },
    Unresolved(Val<'gc>, CheckId),
    Depth,
}

pub(super) struct Machine<'gc> {
    pub(super) frames: SmallVec<[Frame<'gc>; MAX_VALUE_LEVELS]>,
    /// Frames that are tables.
    pub(super) levels: usize,
    /// Frames that are unions.
    pub(super) unions: usize,
    /// Imports followed since the last frame.
    pub(super) imports: usize,
    pub(super) work: usize,
    /// The pattern that the newest frame is about to match.
    pub(super) search: Option<Box<Search>>,
    /// How far the checks in the newest frame got.
    pub(super) reach: Reach,
    /// Frames opened so far.
    pub(super) opened: usize,
    /// Outcomes, and the table of the values that are known there.
    pub(super) memo: Option<(Box<Memo>, Tab<'gc>)>,
    /// The type that is being compiled.
    pub(super) compiling: Option<Box<Compiling>>,
}

#[cfg(test)]
thread_local! {
    /// [`MAX_FORGOTTEN_CHECKS`] for tests.
    pub static FORGOTTEN: std::cell::Cell<usize> = const { std::cell::Cell::new(MAX_FORGOTTEN_CHECKS) };
}

/// Checks before a validation begins to remember.
#[cfg(not(test))]
const fn forgotten() -> usize {
    MAX_FORGOTTEN_CHECKS
}

#[cfg(test)]
fn forgotten() -> usize {
    FORGOTTEN.get()
}

/// Whether a value is seen at once to fit, and what the look costs.
#[inline]
pub fn glance(program: &Program, value: Val<'_>) -> (bool, usize) {
    if program.kinds(0).has(value) {
        return (true, 0);
    }
    if !program.is_own(0) {
        return (false, 0);
    }
    let mut glance = Glance::new(MAX_LEAF_DEPTH);
    let fits = program.fits(0, value, &mut glance);
    (fits, glance.taken() / ELEMENTS)
}

/// Validates `value` by the type value `source`, or goes on with a validation that was suspended. The window must not be
/// changed in between.
///
/// # Errors
/// Memory.
pub fn validate<'gc>(cx: &mut Cx<'gc>, source: Val<'gc>, value: Val<'gc>) -> Result<Outcome, LuaError> {
    let mut machine = Machine {
        frames: SmallVec::new(),
        levels: 0,
        unions: 0,
        imports: 0,
        work: 0,
        search: None,
        reach: Reach::at(0, 0),
        opened: 0,
        memo: None,
        compiling: None,
    };
    if let Some(suspended) = cx.take::<Suspended>() {
        machine.resume(cx, *suspended);
    }
    let mut step = if machine.frames.is_empty() {
        match program_of(cx, source, &mut machine.compiling)? {
            Lookup::Known(program) => {
                let (fits, work) = glance(program, value);
                cx.charge(work);
                if fits {
                    return Ok(Outcome::Pass);
                }
                Step::Enter { source, program, check: 0, value }
            }
            Lookup::NoType => return Ok(Outcome::Pass),
            Lookup::Later => Step::Again,
        }
    } else {
        machine.advance(cx)?
    };
    loop {
        step = match step {
            Step::Enter { source, program, check, value } => {
                machine.enter(cx, source, program, check, value)?
            }
            Step::Passed if machine.frames.is_empty() => {
                cx.charge(machine.work / ELEMENTS);
                return Ok(Outcome::Pass);
            }
            Step::Passed => machine.advance(cx)?,
            Step::Failed(raised) => match machine.fail(cx, raised) {
                Ok(step) => step,
                Err(failure) => {
                    cx.charge(machine.work / ELEMENTS);
                    return Ok(Outcome::Fail(failure));
                }
            },
            Step::Again => {
                machine.suspend(cx)?;
                return Ok(Outcome::Again);
            }
        }
    }
}

impl<'gc> Machine<'gc> {
    /// Checks a value, or opens the frame that does.
    fn enter(
        &mut self,
        cx: &mut Cx<'gc>,
        source: Val<'gc>,
        program: &'gc Program,
        check: CheckId,
        value: Val<'gc>,
    ) -> Result<Step<'gc>, LuaError> {
        match program.leaf(check, value, &mut self.work) {
            Verdict::Pass => return Ok(Step::Passed),
            Verdict::Fail => return Ok(Step::Failed(Raised::Mismatch(source, check, value))),
            Verdict::Enter => {}
        }
        let mut end = 0;
        match program.check(check) {
            // nil has passed already.
            Check::Optional(inner) if program.leaf(*inner, value, &mut self.work) == Verdict::Fail => {
                return Ok(Step::Failed(Raised::Mismatch(source, check, value)));
            }
            Check::Optional(inner) => return Ok(Step::Enter { source, program, check: *inner, value }),
            Check::Imported(import) => return self.import(cx, (source, program, check), import, value),
            Check::Deferred(ty) => return self.deferred(cx, (source, program, check), ty, value),
            Check::Unresolved => return Ok(Step::Failed(Raised::Unresolved(source, check))),
            Check::Endless => return Ok(Step::Failed(Raised::Depth)),
            Check::Array(_) | Check::Map { .. } | Check::Record(_) => {
                self.levels += 1;
                if self.levels > MAX_VALUE_LEVELS {
                    self.levels -= 1;
                    self.reach.all_levels();
                    return Ok(Step::Failed(Raised::Depth));
                }
                if let Some(t) = value.as_table()
                    && !matches!(program.check(check), Check::Record(_))
                {
                    end = length(t);
                }
            }
            Check::Union(_) => self.unions += 1,
            _ => {}
        }
        self.imports = 0;
        self.open((source, program, check), value, end);
        if self.frames.len() > MAX_OPEN_CHECKS {
            self.forget();
            self.reach.all_checks();
            return Ok(Step::Failed(Raised::Depth));
        }
        if let Some(ending) = self.remembered(cx) {
            self.work += ELEMENTS;
            self.forget();
            return Ok(match ending {
                Ending::Pass => Step::Passed,
                Ending::Fail => Step::Failed(Raised::Mismatch(source, check, value)),
                Ending::TooDeep => Step::Failed(Raised::Depth),
            });
        }
        self.reach = self.place();
        self.advance(cx)
    }

    /// Opens a frame.
    pub(super) fn open(
        &mut self,
        (source, program, check): (Val<'gc>, &'gc Program, CheckId),
        value: Val<'gc>,
        end: usize,
    ) {
        let (before, key) = (self.reach, Val::NIL);
        self.frames.push(Frame { source, program, check, before, at_value: false, value, at: 0, end, key });
    }

    /// Where the newest frame is.
    fn place(&self) -> Reach {
        Reach::at(self.levels, self.frames.len())
    }

    /// How the check of the newest frame is known to end.
    #[inline]
    fn remembered(&mut self, cx: &mut Cx<'gc>) -> Option<Ending> {
        self.opened += 1;
        if self.opened < forgotten() { None } else { self.remembered_slow(cx) }
    }

    #[cold]
    fn remembered_slow(&mut self, cx: &mut Cx<'gc>) -> Option<Ending> {
        let frame = self.frames.last()?;
        let Some((memo, _)) = &self.memo else {
            // Without memory for it, it goes without.
            self.memo = cx.table(0, 0).ok().map(|kept| (Box::default(), kept));
            return None;
        };
        let (ending, reach) = memo.find(frame.program, frame.check, frame.value, self.place())?;
        if ending != Ending::Pass
            && self.unions == usize::from(matches!(frame.program.check(frame.check), Check::Union(_)))
        {
            return None;
        }
        self.reach = self.reach.or(reach);
        Some(ending)
    }

    /// Goes on in the newest frame.
    fn advance(&mut self, cx: &mut Cx<'gc>) -> Result<Step<'gc>, LuaError> {
        if self.work >= PIECE && Self::pay(cx, &mut self.work) {
            return Ok(Step::Again);
        }
        self.imports = 0;
        let Some(frame) = self.frames.last_mut() else { return Ok(Step::Passed) };
        let (source, program, value) = (frame.source, frame.program, frame.value);
        let enter = |check: CheckId, value: Val<'gc>| Step::Enter { source, program, check, value };
        let next = match program.check(frame.check) {
            Check::Record(fields) => match value.as_table() {
                Some(t) => self.record(program.fields(fields), program.probes(fields), t),
                None => None,
            },
            Check::Array(item) => match value.as_table() {
                Some(t) => return Ok(self.array(cx, *item, t)),
                None => None,
            },
            Check::Map { key, value: item, numeric } => match value.as_table() {
                Some(t) => return Ok(self.map(cx, (*key, *item, *numeric), t)),
                None => None,
            },
            Check::Union(members) => {
                // Coming back here a member has fitted; `fail` takes the others.
                if frame.at > 0 {
                    None
                } else {
                    match Self::member(frame, program.members(members), &mut self.work) {
                        Some(member) => Some((member, value)),
                        None => return Ok(Step::Failed(Raised::Mismatch(source, frame.check, value))),
                    }
                }
            }
            Check::Intersection(members) => {
                frame.at += 1;
                program.members(members).get(frame.at - 1).map(|&member| (member, value))
            }
            Check::Annotated(inner, constraints) => {
                if frame.at > 0 {
                    return self.constraints(cx, program.constraints(constraints), value);
                }
                frame.at = 1;
                Some((*inner, value))
            }
            Check::Imported(_) | Check::Deferred(_) => {
                // It waited for its type's program.
                let check = frame.check;
                self.forget();
                return Ok(enter(check, value));
            }
            _ => None,
        };
        Ok(match next {
            Some((check, value)) => enter(check, value),
            None => {
                self.work += self.frames.last().map_or(0, |frame| frame.at);
                self.close(cx, Ending::Pass);
                Step::Passed
            }
        })
    }

    /// The next member of a union that may fit. Members that a field decides at once are passed over: so values of tagged
    /// unions are not looked into once for each member.
    fn member(frame: &mut Frame<'gc>, members: &[CheckId], work: &mut usize) -> Option<CheckId> {
        let (program, value) = (frame.program, frame.value);
        while let Some(&member) = members.get(frame.at) {
            frame.at += 1;
            *work += 1;
            let refused = match (program.check(member), value.as_table()) {
                (Check::Record(fields), Some(t)) => {
                    let (fields, probes) = (program.fields(fields), program.probes(fields));
                    let at = fields.iter().zip(probes).position(|(field, probe)| {
                        let v = t.probe(probe);
                        !probe.kinds.has(v) && program.leaf(field.check, v, work) == Verdict::Fail
                    });
                    *work += at.unwrap_or(fields.len());
                    at.is_some()
                }
                _ => program.leaf(member, value, work) == Verdict::Fail,
            };
            if !refused {
                return Some(member);
            }
        }
        None
    }

    /// The next field that needs a frame of its own or fails.
    #[inline]
    fn record(
        &mut self,
        fields: &'gc [FieldCheck],
        probes: &'gc [Probe],
        t: Tab<'gc>,
    ) -> Option<(CheckId, Val<'gc>)> {
        let (program, mut at) = self.frames.last().map(|frame| (frame.program, frame.at))?;
        let mut next = None;
        while next.is_none()
            && let Some((more, v)) = t.first_unlike(probes.get(at..)?)
        {
            at += more + 1;
            let check = fields.get(at - 1)?.check;
            next = (!self.passes(program, check, v)).then_some((check, v));
        }
        let frame = self.frames.last_mut()?;
        frame.at = if next.is_some() { at } else { fields.len() };
        next
    }

    fn array(&mut self, cx: &mut Cx<'gc>, item: CheckId, t: Tab<'gc>) -> Step<'gc> {
        let Some(frame) = self.frames.last() else { return Step::Passed };
        let (source, program, mut at, end) = (frame.source, frame.program, frame.at, frame.end);
        let kinds = program.kinds(item).or(Kinds::NIL);
        while at < end {
            // Elements that their kind decides, up to the next look at the budget.
            let run = t.first_not_of(kinds, at, end.min(at + PIECE.saturating_sub(self.work)));
            self.work += run.saturating_sub(at);
            at = at.max(run);
            if at == end {
                break;
            }
            let v = element(t, at);
            at += 1;
            self.work += 1;
            let passes = v.is_nil() || self.passes(program, item, v);
            if passes && self.work < PIECE {
                continue;
            }
            if let Some(frame) = self.frames.last_mut() {
                frame.at = at;
            }
            if !passes {
                return Step::Enter { source, program, check: item, value: v };
            }
            if Self::pay(cx, &mut self.work) {
                return Step::Again;
            }
        }
        self.close(cx, Ending::Pass);
        Step::Passed
    }

    /// Whether a part of the newest frame's value fits at once.
    #[inline]
    fn passes(&mut self, program: &'gc Program, check: CheckId, v: Val<'gc>) -> bool {
        match program.leaf(check, v, &mut self.work) {
            Verdict::Pass => true,
            Verdict::Fail => false,
            Verdict::Enter => program.is_own(check) && self.glance(program, check, v),
        }
    }

    fn glance(&mut self, program: &'gc Program, check: CheckId, v: Val<'gc>) -> bool {
        let depth = MAX_LEAF_DEPTH.min(MAX_VALUE_LEVELS - self.levels);
        let mut glance = Glance::new(depth);
        let fits = program.fits(check, v, &mut glance);
        self.work += glance.taken();
        if fits {
            // At most.
            self.reach = self.reach.or(Reach::at(self.levels + depth, 0));
        }
        fits
    }

    fn map(
        &mut self,
        cx: &mut Cx<'gc>,
        (key, item, numeric): (CheckId, CheckId, bool),
        t: Tab<'gc>,
    ) -> Step<'gc> {
        let Some(frame) = self.frames.last_mut() else { return Step::Passed };
        let (source, program, mut at, end) = (frame.source, frame.program, frame.at, frame.end);
        if std::mem::take(&mut frame.at_value) {
            // The key has passed in a frame of its own.
            let v = t.get(frame.key);
            if program.leaf(item, v, &mut self.work) != Verdict::Pass {
                return Step::Enter { source, program, check: item, value: v };
            }
        }
        while let Some((next, k, v)) = t.entry_at(at) {
            at = next;
            self.work += 1;
            // What to enter, and whether the value is still to come then.
            let enter = match () {
                () if !numeric && is_in_sequence(k, end) => None,
                () if !self.passes(program, key, k) => Some((key, k, true)),
                () if !self.passes(program, item, v) => Some((item, v, false)),
                () => None,
            };
            if enter.is_none() && self.work < PIECE {
                continue;
            }
            if let Some(frame) = self.frames.last_mut() {
                frame.at = at;
                frame.key = k;
                frame.at_value = matches!(enter, Some((.., true)));
            }
            if let Some((check, value, _)) = enter {
                return Step::Enter { source, program, check, value };
            }
            if Self::pay(cx, &mut self.work) {
                return Step::Again;
            }
        }
        self.close(cx, Ending::Pass);
        Step::Passed
    }

    /// The validators of a value whose type fits, from where the frame says.
    fn constraints(
        &mut self,
        cx: &mut Cx<'gc>,
        list: &'gc [Constraint],
        value: Val<'gc>,
    ) -> Result<Step<'gc>, LuaError> {
        let Some(frame) = self.frames.last_mut() else { return Ok(Step::Passed) };
        let owner = (frame.source, frame.program);
        while let Some(constraint) = list.get(frame.at - 1) {
            let meets = match (constraint, value.as_str()) {
                (Constraint::Pattern(pattern), Some(s)) => {
                    let own;
                    let compiled = match pattern.kept() {
                        Some(kept) => kept,
                        None => {
                            own = compiled(cx, owner, pattern, &mut self.work)?;
                            own.as_deref().or_else(|| pattern.kept().flatten())
                        }
                    };
                    compiled.map_or(Some(false), |compiled| {
                        compiled.matches(s.bytes(), &mut self.search, &mut self.work)
                    })
                }
                _ => Some(constraint.verdict(value, &mut self.work) == Verdict::Pass),
            };
            match meets {
                Some(true) => frame.at += 1,
                Some(false) => {
                    let (name, message) = (constraint.name(), constraint.message());
                    return Ok(Step::Failed(Raised::Constraint { name, message }));
                }
                None => {}
            }
            if self.work >= PIECE && Self::pay(cx, &mut self.work) {
                return Ok(Step::Again);
            }
        }
        self.close(cx, Ending::Pass);
        Ok(Step::Passed)
    }

    fn pay(cx: &mut Cx<'gc>, work: &mut usize) -> bool {
        cx.charge(std::mem::take(work) / ELEMENTS)
    }

    /// Removes the newest frame, whose check has ended so.
    fn close(&mut self, cx: &mut Cx<'gc>, ending: Ending) {
        let place = self.place();
        if let (Some((memo, kept)), Some(frame)) = (&mut self.memo, self.frames.last()) {
            let goal = (frame.source, frame.program, frame.check, frame.value);
            memo.remember(cx, *kept, goal, (place, self.reach), ending);
        }
        self.forget();
    }

    /// Removes the newest frame.
    fn forget(&mut self) {
        let Some(frame) = self.frames.pop() else { return };
        self.reach = self.reach.or(frame.before);
        match frame.program.check(frame.check) {
            Check::Array(_) | Check::Map { .. } | Check::Record(_) => self.levels -= 1,
            Check::Union(_) => self.unions -= 1,
            _ => {}
        }
    }

    /// Gives the next member of the nearest union its chance; without one, the failure.
    #[cold]
    fn fail(&mut self, cx: &mut Cx<'gc>, raised: Raised<'gc>) -> Result<Step<'gc>, Box<Failure>> {
        let mut raised = raised;
        self.imports = 0;
        while self.unions > 0 {
            let Some(frame) = self.frames.last() else { break };
            let (source, program, check, value) = (frame.source, frame.program, frame.check, frame.value);
            if let Check::Union(members) = program.check(check) {
                let work = &mut self.work;
                let next = self
                    .frames
                    .last_mut()
                    .and_then(|frame| Self::member(frame, program.members(members), work));
                self.work += 1;
                if let Some(check) = next {
                    return Ok(Step::Enter { source, program, check, value });
                }
                // Too deep a value is not a matter of members.
                if !matches!(raised, Raised::Depth) {
                    raised = Raised::Mismatch(source, check, value);
                }
            }
            let too_deep = matches!(raised, Raised::Depth);
            self.close(cx, if too_deep { Ending::TooDeep } else { Ending::Fail });
        }
        Err(Box::new(self.failure(cx, &raised)))
    }

    fn failure(&self, cx: &mut Cx<'gc>, raised: &Raised<'gc>) -> Failure {
        let mut path = Vec::new();
        for frame in &self.frames {
            let Some(t) = frame.value.as_table() else { continue };
            match frame.program.check(frame.check) {
                Check::Record(fields) => {
                    let Some(probe) =
                        frame.at.checked_sub(1).and_then(|i| frame.program.probes(fields).get(i))
                    else {
                        continue;
                    };
                    if !path.is_empty() {
                        path.push(b'.');
                    }
                    path.extend_from_slice(probe.name());
                    let absent = t.probe(probe).is_nil();
                    if absent && matches!(raised, Raised::Mismatch(..) | Raised::Constraint { .. }) {
                        return Failure { path, fault: Fault::Missing };
                    }
                }
                Check::Array(_) => path.extend_from_slice(format!("[{}]", frame.at).as_bytes()),
                Check::Map { .. } => {
                    path.push(b'[');
                    path.extend_from_slice(&key_text(frame.key));
                    path.push(b']');
                }
                _ => {}
            }
        }
        let fault = match *raised {
            Raised::Mismatch(source, check, value) => {
                Fault::Mismatch { expected: text(cx, source, check), got: value.lua_type_name() }
            }
            Raised::Constraint { name, message } => Fault::Constraint { name, message },
            Raised::Unresolved(source, check) => Fault::Unresolved(text(cx, source, check)),
            Raised::Depth => Fault::Depth,
        };
        Failure { path, fault }
    }
}

/// Compiles a pattern of a type value's program. Where the program is the process's own, so is the pattern, and on its account; a shared
/// one keeps it for all as long as its pool has room. Otherwise it is returned: the process keeps one with its own type value.
#[cold]
fn compiled<'gc>(
    cx: &mut Cx<'gc>,
    (source, program): (Val<'gc>, &Program),
    pattern: &Pattern,
    work: &mut usize,
) -> Result<Option<Arc<Compiled>>, LuaError> {
    let key = Val::light(std::ptr::from_ref(pattern) as usize);
    if let Kind::Userdata(known) = cx.member(source, key).kind()
        && let Some(known) = known.with(|known: &mut Arc<Compiled>| Arc::clone(known))
    {
        return Ok(Some(known));
    }
    let Some(handle) = source.as_type() else { return Ok(None) };
    // Compiling takes several times what is left of it in the end.
    cx.reserve_memory(MAX_PATTERN_BYTES)?;
    let Some(compiled) = pattern.compile(work) else { return Ok(None) };
    let bytes = compiled.bytes();
    if handle.slot().get().is_some_and(|own| own.downcast_ref().is_some_and(|own| std::ptr::eq(program, own)))
    {
        cx.grow_userdata(source, bytes)?;
    } else if !handle.ty().pool.take_room(bytes) {
        let own = Arc::new(compiled);
        let kept = cx.sized_userdata(Arc::clone(&own), bytes)?;
        cx.keep_member(source, key, kept.into())?;
        return Ok(Some(own));
    } else {
        cx.charge_types(&handle.ty().pool, bytes);
    }
    pattern.keep(compiled);
    Ok(None)
}

/// What a message calls a check of a type value.
fn text<'gc>(cx: &mut Cx<'gc>, source: Val<'gc>, check: CheckId) -> Vec<u8> {
    let handle = source.as_type();
    let Some((program, handle)) = handle.and_then(|handle| Some((known_program(handle)?, handle))) else {
        return Vec::new();
    };
    let mut steps = 0;
    let text = program.text(check, handle.ty(), &mut steps);
    cx.charge(steps / STEPS);
    text
}

/// A key in a path.
fn key_text(key: Val<'_>) -> Vec<u8> {
    match key.kind() {
        Kind::Str(s) => s.bytes().to_vec(),
        Kind::Int(i) => crate::numfmt::integer_text(i).to_vec(),
        Kind::Float(f) => crate::numfmt::float_text(f).to_vec(),
        Kind::Bool(b) => b.to_string().into_bytes(),
        _ => key.lua_type_name().as_bytes().to_vec(),
    }
}
