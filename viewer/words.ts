/** Every English sentence and word that the viewer's code says. Nothing else in viewer/ holds text for people. */

export const words = {
  // Picture quality, W4
  loading: 'Loading …',
  quickView: 'Quick view. The sharp one is coming.',
  fullQuality: 'Full quality',
  lossy: 'Made smaller by the scan center (lossy)',
  simpleView: 'Simple view. A saved copy has the full quality.',

  // What cannot be shown, W6
  cannotShow: (kind: string) => `This kind of picture cannot be shown here: ${kind}. You can save it for your doctor.`,
  broken: (number: number) => `Picture ${number} is broken. The others are fine.`,
  noPictures: 'This group has no pictures. It may be a report only.',
  groupFailed: 'We cannot show this group of pictures. Try again in a minute.',
  tooOld: 'Your browser is too old for the sharp pictures. You see simple ones. You can still save the pictures.',
  kinds: {
    ecg: 'ECG wave',
    report: 'written report',
    pdf: 'PDF document',
    keyPictures: 'list of marked pictures',
    settings: 'saved display settings',
    outlines: 'outlines drawn on other pictures',
    treatment: 'treatment plan',
    video: 'video',
    unknown: 'unknown kind',
    picture: (modality: string) => `${modality} picture`,
  },

  // The end of looking
  sharingEnded: 'Sharing has ended. Ask the patient to share again.',
  keyLocked: 'The key for this scan is locked. Sign in again.',
  signIn: 'Sign in',
  goOn: 'Continue',
  endedTitle: 'Session ended',

  offline: 'You are not online. We will try again.',

  // Where we are
  counter: (number: number, of: number) => `${number} of ${of}`,
  pictureLabel: (number: number, of: number) => `Picture ${number} of ${of}`,
  sliderLabel: 'Picture',
  earlier: 'Earlier',
  later: 'Later',
  earlierPicture: 'Earlier picture',
  laterPicture: 'Later picture',
  planes: { axial: 'seen from the feet', sagittal: 'side view', coronal: 'front view' },
  clinicalPlanes: { axial: 'axial', sagittal: 'sagittal', coronal: 'coronal' },

  // Toolbar
  tools: 'Picture tools',
  play: 'Play',
  pause: 'Pause',
  zoomIn: 'Bigger',
  zoomOut: 'Smaller',
  light: 'Light',
  groups: 'Groups',
  startOver: 'Start over',
  save: 'Save picture',
  whatIsThis: 'What is this?',
  fullScreen: 'Full screen',
  report: 'Report',
  more: 'More',
  fit: 'Fit',
  oneToOne: '1:1',
  presets: 'Window',
  invert: 'Invert',
  rotate: 'Rotate',
  flipH: 'Flip H',
  flipV: 'Flip V',
  length: 'Length',
  angle: 'Angle',
  area: 'Area',
  remove: 'Delete',
  corners: 'Text',
  tags: 'Tags',
  keys: 'Keys',

  // Light and windows
  lighterDarker: 'Darker or lighter',
  darker: 'Darker',
  lighter: 'Lighter',
  looks: 'Looks',
  close: 'Close',
  ctLooks: { bones: 'Bones', lungs: 'Lungs', soft: 'Soft parts' },
  otherLooks: { normal: 'Normal', brighter: 'Brighter', contrast: 'More contrast' },
  windows: {
    soft: 'Soft tissue', lung: 'Lung', bone: 'Bone', brain: 'Brain', stroke: 'Stroke', abdomen: 'Abdomen', mediastinum: 'Mediastinum',
    file: 'From the file', auto: 'Auto',
  },
  windowSentence: (center: number, width: number) => `W ${Math.round(width)} L ${Math.round(center)}`,
  windowKeys: 'Arrow keys now change the window. W or Esc ends it.',
  simpleLight: 'Simple view: changes brightness only.',

  // Playing
  speed: 'Speed',
  slow: 'Slow',
  normal: 'Normal',
  fast: 'Fast',
  framesPerSecond: 'Pictures a second',
  loop: 'Loop',
  sweep: 'Back and forth',
  waitingForPictures: 'Waiting for pictures …',

  // Measuring
  measuring: {
    Length: 'Length: press and drag, or click twice. Enter puts a line you can move with the arrow keys.',
    Angle: 'Angle: click the three points, or press and drag. Enter puts one you can move with the arrow keys.',
    EllipticalROI: 'Area: press and drag. Enter puts a circle you can move with the arrow keys.',
  } as Record<string, string>,
  measured: (what: string) => `Measured: ${what}`,
  notMeasurable: 'This picture is a simple view and cannot be measured.',
  noMeasurement: 'There is no measurement to delete.',
  removed: 'Measurement deleted.',
  placing: 'Arrow keys move this end. Shift and arrow keys move the whole. Tab takes the next end. Enter ends.',
  noSpacing: 'No size is known for this picture, so lengths are in picture points (px).',

  // First hints, W3
  hintsTitle: 'Three hints',
  hints: [
    'Slide up and down to move through the pictures.',
    'Pinch to make it bigger.',
    'Grey is normal. Colors do not mean good or bad.',
  ],
  mouseHints: [
    'Turn the mouse wheel to move through the pictures.',
    'Press + and − to make it bigger or smaller.',
    'Grey is normal. Colors do not mean good or bad.',
  ],
  gotIt: 'Got it',

  // What am I looking at, W5
  lookingTitle: 'What am I looking at?',
  lookingAt: [
    'R means your right side. You are seen from the front or from the feet, so left and right are swapped.',
    'L is left, A is front, P is back, H is toward the head, F is toward the feet.',
  ],
  lookingWithout: 'This picture does not say which side is which. Ask your doctor.',

  // Report beside
  reportTitle: 'Report',
  reportLoading: 'Getting the report …',
  reportFailed: 'We cannot open this report here.',
  reportOpen: 'Open the report page',
  noReport: 'This scan has no report here.',

  // Tags
  tagsTitle: 'DICOM tags of this picture',
  tagSearch: 'Search tags',
  tagHeads: ['Tag', 'Name', 'Kind', 'Value'],
  tagCount: (shown: number, all: number) => `${shown} of ${all} tags`,
  binary: (size: string) => `${size}, not shown`,
  items: (count: number) => `${count} ${count === 1 ? 'item' : 'items'}`,
  privateTag: 'Private',

  // Keys
  keysTitle: 'Keys',
  keysOn: 'Single-letter keys are on',
  keysNote: 'Keys work while the picture has the focus.',
  keyNames: [
    ['↑ ↓', 'Picture before, picture after'],
    ['Page Up, Page Down', 'Ten pictures on'],
    ['Home, End', 'First, last picture'],
    ['Space', 'Play or pause'],
    [', .', 'Slower, faster'],
    ['+ −', 'Bigger, smaller'],
    ['0', 'Fit'],
    ['Shift and arrows', 'Move'],
    ['W, then arrows', 'Lighter, darker, more or less contrast'],
    ['Alt and 1 to 9', 'Looks and windows'],
    ['[ ]', 'Group before, group after'],
    ['Shift and R, or Esc twice', 'Start over'],
    ['F', 'Full screen'],
    ['S', 'Save this picture'],
    ['Q', 'Report'],
  ] as [string, string][],
  clinicianKeyNames: [
    ['1', 'One picture point to one screen point'],
    ['I', 'Invert'],
    ['R, H, V', 'Rotate, flip left–right, flip up–down'],
    ['L, A, E', 'Length, angle, area'],
    ['Delete', 'Delete the last measurement'],
    ['O', 'Text in the corners'],
    ['D', 'DICOM tags'],
    ['?', 'This list'],
  ] as [string, string][],

  saved: 'The picture is saved.',
  saveFailed: 'We cannot save this picture. Try again.',
  fileName: (number: number) => `picture-${number}.jpg`,

  // Corners
  born: (date: string) => `born ${date}`,
  seriesCorner: (number: string, description: string) => `S${number} ${description}`,
  imageCorner: (number: number, of: number) => `I ${number}/${of}`,
  sliceCorner: (position: string) => `Position ${position} mm`,
  thickCorner: (thickness: string) => `Thickness ${thickness} mm`,
  zoomCorner: (percent: number) => `Zoom ${percent}%`,
  lossyCorner: 'LOSSY',
  months: ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December'],
};
