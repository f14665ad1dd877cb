/** Every sentence and word that the viewer's code says, in English; another language has the same names. */

export const english = {
  // Picture quality, W4
  loading: 'Loading …',
  quickView: 'Quick view. The sharp one is coming.',
  fullQuality: 'Full quality',
  lossy: 'Made smaller by the scan center (lossy)',
  simpleView: 'Simple view. A saved copy has the full quality.',

  // What cannot be shown, W6
  cannotShow: (kind: string) => `This kind of picture cannot be shown here: ${kind}. You can save it for your doctor.`,
  altered: 'We checked this picture and it does not match what the scan center sent. We will not show it.',
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
  pictureCount: (count: number) => (count === 1 ? '1 picture' : `${count} pictures`),
  pictureLabel: (number: number, of: number) => `Picture ${number} of ${of}`,
  sliderLabel: 'Picture',
  earlier: 'Earlier',
  later: 'Later',
  earlierPicture: 'Earlier picture',
  laterPicture: 'Later picture',
  planes: { axial: 'seen from the feet', sagittal: 'side view', coronal: 'front view' },
  clinicalPlanes: { axial: 'axial', sagittal: 'sagittal', coronal: 'coronal' },

  paneLabel: (number: number, of: number) => `place ${number} of ${of}`,
  closePane: 'Close this place',

  // Marked pictures
  markedGroup: 'Marked by the radiologist',
  marked: 'Marked',
  nothingMarked: 'No pictures are marked in this scan.',

  // Beside each other
  layout: 'Layout',
  layouts: { 1: 'One picture', 2: 'Two pictures', 4: 'Four pictures' },
  compare: (year: string) => `Compare with ${year}`,
  withPrior: 'Earlier scan beside',
  noPrior: 'There is no other scan of the same part here.',
  link: 'Scroll together',
  linked: 'The pictures scroll together.',
  unlinked: 'Each picture scrolls alone.',
  linkNeedsTwo: 'Scrolling together needs two pictures. Choose a layout first.',
  scouts: 'Scout lines',
  scoutsOn: 'Lines show where the picture you are on crosses the others. Click a place, or press Enter, to see it in all.',
  scoutsNeedTwo: 'Scout lines are on. They need two pictures: choose a layout.',

  // Planes
  planesTool: 'Three planes (MPR)',
  planeNames: ['Axial', 'Coronal', 'Sagittal'],
  closePlanes: 'Back to the pictures',
  thickest: 'Brightest of (MIP)',
  thickness: (millimetres: number) => (millimetres ? `${millimetres} mm` : 'one slice'),
  planesNeedDesk: 'Three planes need a computer with a large screen.',
  planesNeedStack: 'Three planes need one group of at least 5 grey slices, all alike and equally far apart.',
  planesTooMany: (most: number) => `Three planes work for ${most} slices at most. This group has more.`,
  planesNeedMemory: 'This group is too large for the memory of this computer. Three planes were not opened.',
  planesFailed: 'This computer cannot draw three planes.',
  planesGathering: (ready: number, of: number) => `Getting all pictures for the planes: ${ready} of ${of}`,
  notOnPlanes: 'This works on the pictures themselves. Go back to the pictures first.',

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
  arrow: 'Arrow',
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
    ArrowAnnotate: 'Arrow: press and drag from the place away. Enter puts one you can move with the arrow keys.',
    EllipticalROI: 'Area: press and drag. Enter puts a circle you can move with the arrow keys.',
  } as Record<string, string>,
  measured: (what: string) => `Measured: ${what}`,
  notMeasurable: 'This picture is a simple view and cannot be measured.',
  noMeasurement: 'There is no measurement to delete.',
  removed: 'Measurement deleted.',
  placing: 'Arrow keys move this end. Shift and arrow keys move the whole. Tab takes the next end. Enter ends.',
  noSpacing: 'No size is known for this picture, so lengths are in picture points (px).',

  noteTitle: 'Words at the arrow',
  noteLabel: 'What do you want to point at? The words stay on this screen alone.',
  noteDone: 'Done',

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
  goToPicture: (series: number, image: number) => `Show series ${series}, image ${image}`,
  noSuchPicture: (series: number, image: number) => `Series ${series} has no image ${image} here.`,
  reportWidth: 'Width of the report',

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
    ['K', 'Marked pictures alone, or all'],
    ['P', 'Earlier scan beside'],
  ] as [string, string][],
  clinicianKeyNames: [
    ['1', 'One picture point to one screen point'],
    ['I', 'Invert'],
    ['R, H, V', 'Rotate, flip left–right, flip up–down'],
    ['L, A, E, T', 'Length, angle, area, arrow'],
    ['Delete', 'Delete the last measurement'],
    ['Ctrl and 1, 2 or 4', 'One, two or four pictures'],
    ['X', 'Scroll together'],
    ['C', 'Scout lines'],
    ['M', 'Three planes'],
    ['O', 'Text in the corners'],
    ['D', 'DICOM tags'],
    ['?', 'This list'],
  ] as [string, string][],

  saved: 'The picture is saved.',
  saveFailed: 'We cannot save this picture. Try again.',
  saveForms: { jpg: 'Picture (JPEG)', png: 'Picture (PNG)', dcm: 'DICOM file' },
  saveNote: 'JPEG and PNG come without the name, unless it is drawn into the picture. The DICOM file holds name and birth date.',
  fileName: (number: number, ending: string) => `picture-${number}.${ending}`,

  // Corners
  born: (date: string) => `born ${date}`,
  seriesCorner: (number: string, description: string) => `S${number} ${description}`,
  imageCorner: (number: number, of: number) => `I ${number}/${of}`,
  sliceCorner: (position: string) => `Position ${position} mm`,
  thickCorner: (thickness: string) => `Thickness ${thickness} mm`,
  zoomCorner: (percent: number) => `Zoom ${percent}%`,
  lossyCorner: 'LOSSY',
  day: (day: number, month: string, year: string) => `${day} ${month} ${year}`,
  months: ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December'],
};

export type Words = typeof english;
