/**
 * Types of events that no golden journal holds yet. To be emptied by recording one for each before a release.
 */
export const NOT_RECORDED: readonly string[] = [
  'partitionRetired',
  'logTruncationAccepted',
  'witnessAnswered',
  'partsDamaged',
  'partitionRewound',
];
