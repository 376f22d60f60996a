export interface SyntheticPatient {
  id: string
  /** Given name and family name, in this order. */
  name: string
  /** `YYYY-MM-DD`. */
  birthDate: string
  gender: 'female' | 'male' | 'other'
  /** Ids of this patient's encounters, oldest first. */
  encounters: readonly string[]
}

function patient(
  name: string,
  birthDate: string,
  gender: SyntheticPatient['gender'],
  visits: number,
): SyntheticPatient {
  const id = name.toLowerCase().replaceAll(' ', '-')
  return { id, name, birthDate, gender, encounters: Array.from({ length: visits }, (_, i) => `${id}-visit-${i + 1}`) }
}

/** Invented people. The names are meant to be recognised as made up at first sight. */
export const patients: readonly SyntheticPatient[] = [
  patient('Amber Testwell', '1958-03-14', 'female', 4),
  patient('Basil Mockridge', '1971-11-02', 'male', 3),
  patient('Clover Fauxley', '1984-07-21', 'female', 3),
  patient('Dune Sampleton', '1990-01-30', 'other', 2),
  patient('Ember Placeholt', '2003-05-09', 'female', 2),
  patient('Flint Dummond', '1946-09-17', 'male', 5),
  patient('Ginger Specimenne', '2014-12-05', 'female', 2),
  patient('Heath Exemplar', '1965-06-26', 'male', 3),
]
