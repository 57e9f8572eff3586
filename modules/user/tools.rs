//! `useradd`, `usermod`, `userdel`, `chage` and `chpasswd`; for accounts of the host's own files
//! libuser's `luseradd` and its kin.

use module::{Failure, Host, Program, accounts, host::succeeded};

use super::{User, account::Account};

fn run(host: &mut dyn Host, program: &Program) -> Result<(), Failure> {
    let output = host.execute(program)?;
    succeeded(program, output)?;
    Ok(())
}

impl User {
    /// A program for accounts, or its kin for those of the host's own files.
    fn tool(&self, name: &str) -> Program {
        Program::new(if self.local { format!("l{name}") } else { name.to_owned() })
    }

    /// Sets with libuser what its `luseradd` and `lusermod` do not set.
    fn apply_local(
        &self,
        host: &mut dyn Host,
        actual: Option<&Account>,
        desired: &Account,
    ) -> Result<(), Failure> {
        if let Some(day) = desired.expires_day
            && actual.and_then(|actual| actual.expires_day) != Some(day)
            && (actual.is_some() || day >= 0)
        {
            let program = Program::new("lchage").args(["-E".to_owned(), day.to_string()]);
            run(host, &program.arg(&self.name))?;
        }
        let Some(wanted) = &desired.groups else { return Ok(()) };
        let found = actual.and_then(|actual| actual.groups.clone()).unwrap_or_default();
        let is_new = |group: &&String| !found.contains(*group);
        for group in wanted.iter().filter(is_new) {
            run(host, &Program::new("lgroupmod").args(["-M", &self.name, group]))?;
        }
        for group in found.iter().filter(|group| !wanted.contains(*group)) {
            run(host, &Program::new("lgroupmod").args(["-m", &self.name, group]))?;
        }
        Ok(())
    }

    /// Removes the account.
    pub fn delete(&self, host: &mut dyn Host) -> Result<(), Failure> {
        let mut program = self.tool("userdel");
        if self.force && !self.local {
            program = program.arg("-f");
        }
        if self.remove {
            program = program.arg("-r");
        }
        run(host, &program.arg(&self.name))
    }

    /// Makes the account.
    pub fn add(&self, host: &mut dyn Host, desired: &Account) -> Result<(), Failure> {
        let mut program = self.with_common(self.tool("useradd"), desired, None);
        if self.group.is_none() && accounts::group_by_name(host, &self.name)?.is_some() {
            // A group of that name is there already, so that none is made.
            program = program.arg(if self.local { "-n" } else { "-N" });
        }
        if self.system {
            program = program.arg("-r");
        }
        if self.local {
            if !self.create_home {
                program = program.arg("-M");
            }
            run(host, &program.arg(&self.name))?;
            return self.apply_local(host, None, desired);
        }
        if let Some(groups) = desired.groups.as_ref().filter(|groups| !groups.is_empty()) {
            program = program.args(["-G".to_owned(), groups.join(",")]);
        }
        if let Some(day) = desired.expires_day.filter(|day| *day >= 0) {
            program = program.args(["-e".to_owned(), date_text(day)]);
        }
        if self.create_home {
            program = program.arg("-m");
            if let Some(skeleton) = &self.skeleton {
                program = program.args(["-k".to_owned(), skeleton.display().to_string()]);
            }
        } else {
            program = program.arg("-M");
        }
        let keys = [
            ("UMASK", self.umask.clone()),
            ("UID_MIN", self.uid_min.map(|uid| uid.to_string())),
            ("UID_MAX", self.uid_max.map(|uid| uid.to_string())),
        ];
        for (key, value) in keys {
            if let Some(value) = value {
                program = program.args(["-K".to_owned(), format!("{key}={value}")]);
            }
        }
        run(host, &program.arg(&self.name))
    }

    /// Changes what differs.
    pub fn modify(
        &self,
        host: &mut dyn Host,
        actual: &Account,
        desired: &Account,
    ) -> Result<(), Failure> {
        let mut program = self.with_common(self.tool("usermod"), desired, Some(actual));
        if desired.home != actual.home && self.move_home {
            program = program.arg("-m");
        }
        if self.local {
            if !program.args.is_empty() {
                run(host, &program.arg(&self.name))?;
            }
            return self.apply_local(host, Some(actual), desired);
        }
        if let Some(groups) = &desired.groups
            && actual.groups.as_ref() != Some(groups)
        {
            program = program.args(["-G".to_owned(), groups.join(",")]);
        }
        if let Some(day) = desired.expires_day
            && actual.expires_day != Some(day)
        {
            let date = if day < 0 { String::new() } else { date_text(day) };
            program = program.args(["-e".to_owned(), date]);
        }
        if program.args.is_empty() {
            return Ok(());
        }
        run(host, &program.arg(&self.name))
    }

    /// What `useradd` and `usermod` take alike, as far as it differs.
    fn with_common(
        &self,
        program: Program,
        desired: &Account,
        actual: Option<&Account>,
    ) -> Program {
        let mut program = program;
        let text = |value: Option<u32>| value.map(|value| value.to_string());
        let group = |account: &Account| account.group.as_ref().map(ToString::to_string);
        let pairs = [
            ("-u", text(desired.uid), actual.map(|actual| text(actual.uid))),
            ("-g", group(desired), actual.map(group)),
            ("-c", desired.comment.clone(), actual.map(|actual| actual.comment.clone())),
            ("-d", desired.home.clone(), actual.map(|actual| actual.home.clone())),
            ("-s", desired.shell.clone(), actual.map(|actual| actual.shell.clone())),
        ];
        for (option, wanted, found) in pairs {
            if let Some(value) = wanted.clone()
                && found != Some(wanted)
            {
                program = program.args([option.to_owned(), value]);
                if option == "-u" && self.non_unique {
                    program = program.arg("-o");
                }
            }
        }
        if let Some(seuser) = self.seuser.as_ref().filter(|_| actual.is_none()) {
            program = program.args(["-Z", seuser]);
        }
        program
    }

    /// Sets the days of passwords.
    pub fn apply_ageing(
        &self,
        host: &mut dyn Host,
        actual: Option<&Account>,
        desired: &Account,
    ) -> Result<(), Failure> {
        let days = |account: &Account| {
            [
                ("-m", account.password_expire_min),
                ("-M", account.password_expire_max),
                ("-W", account.password_expire_warn),
                ("-I", account.password_expire_account_disable),
            ]
        };
        let found = actual.map(days);
        let mut program = Program::new("chage");
        for (at, (option, wanted)) in days(desired).into_iter().enumerate() {
            let found = found.and_then(|found| found.get(at).and_then(|(_, day)| *day));
            if let Some(day) = wanted
                && found != wanted
            {
                program = program.args([option.to_owned(), day.to_string()]);
            }
        }
        if program.args.is_empty() { Ok(()) } else { run(host, &program.arg(&self.name)) }
    }

    /// Sets and locks the password. The hash goes through stdin, where no other user sees it.
    pub fn apply_password(
        &self,
        host: &mut dyn Host,
        actual: Option<&Account>,
        desired: &Account,
    ) -> Result<(), Failure> {
        let found = actual.and_then(|actual| actual.password);
        let mut is_locked = actual.and_then(|actual| actual.password_lock).unwrap_or(false);
        if let Some(hash) = self.password.as_ref().filter(|_| desired.password.is_some())
            && found != desired.password
        {
            // A locked password stays locked when it is replaced.
            let keeps_lock = is_locked && desired.password_lock != Some(false);
            let mark = if keeps_lock && !hash.starts_with('!') { "!" } else { "" };
            let line = format!("{}:{mark}{hash}\n", self.name);
            run(host, &Program::new("chpasswd").arg("-e").stdin(line))?;
            is_locked = hash.starts_with('!') || keeps_lock;
        }
        let new_without_password = actual.is_none() && self.password.is_none();
        match desired.password_lock {
            // A new account without a password is locked from the start.
            Some(true) if !is_locked && !new_without_password => {
                run(host, &self.tool("usermod").args(["-L", &self.name]))
            }
            Some(false) if is_locked => run(host, &self.tool("usermod").args(["-U", &self.name])),
            _ => Ok(()),
        }
    }
}

/// A day since 1970 as `2030-01-01`.
pub fn date_text(day: i64) -> String {
    // Years of 400 are all alike; days count from the first of March of the year 0.
    let shifted = day + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day_of_month:02}")
}
