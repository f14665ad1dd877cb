/** What the viewer says, in Spanish. */

import type { Words } from './words-en';

export const spanish: Words = {
  // Picture quality, W4
  loading: 'Cargando …',
  quickView: 'Vista rápida. La imagen nítida está por llegar.',
  fullQuality: 'Calidad completa',
  lossy: 'El centro de imagen la hizo más pequeña (con pérdida)',
  simpleView: 'Vista sencilla. La copia que se guarda tiene la calidad completa.',

  // What cannot be shown, W6
  cannotShow: (kind) => `Este tipo de imagen no se puede mostrar aquí: ${kind}. Puede guardarla para su médico.`,
  altered: 'Hemos comprobado esta imagen y no coincide con lo que envió el centro de imagen. No la mostraremos.',
  broken: (number) => `La imagen ${number} está dañada. Las demás están bien.`,
  noPictures: 'Este grupo no tiene imágenes. Puede que solo haya un informe.',
  groupFailed: 'No podemos mostrar este grupo de imágenes. Inténtelo de nuevo en un minuto.',
  tooOld: 'Su navegador es demasiado antiguo para las imágenes nítidas. Usted ve imágenes sencillas. Aun así puede guardar las imágenes.',
  kinds: {
    ecg: 'trazado del corazón (ECG)',
    report: 'informe escrito',
    pdf: 'documento PDF',
    keyPictures: 'lista de imágenes marcadas',
    settings: 'ajustes de visualización guardados',
    outlines: 'contornos dibujados sobre otras imágenes',
    treatment: 'plan de tratamiento',
    video: 'vídeo',
    unknown: 'tipo desconocido',
    picture: (modality) => `imagen de tipo ${modality}`,
  },

  // The end of looking
  sharingEnded: 'Ya no se comparte. Pida al paciente que lo comparta de nuevo.',
  keyLocked: 'La llave de este estudio está cerrada. Inicie sesión de nuevo.',
  signIn: 'Iniciar sesión',
  goOn: 'Continuar',
  endedTitle: 'Sesión terminada',

  offline: 'Usted no tiene conexión. Lo intentaremos de nuevo.',

  // Where we are
  counter: (number, of) => `${number} de ${of}`,
  pictureCount: (count) => (count === 1 ? '1 imagen' : `${count} imágenes`),
  pictureLabel: (number, of) => `Imagen ${number} de ${of}`,
  sliderLabel: 'Imagen',
  earlier: 'Anterior',
  later: 'Siguiente',
  earlierPicture: 'Imagen anterior',
  laterPicture: 'Imagen siguiente',
  planes: { axial: 'vista desde los pies', sagittal: 'vista de lado', coronal: 'vista de frente' },
  clinicalPlanes: { axial: 'axial', sagittal: 'sagital', coronal: 'coronal' },

  paneLabel: (number, of) => `lugar ${number} de ${of}`,
  closePane: 'Cerrar este lugar',

  // Marked pictures
  markedGroup: 'Marcadas por el radiólogo',
  marked: 'Marcadas',
  nothingMarked: 'En este estudio no hay imágenes marcadas.',

  // Beside each other
  layout: 'Disposición',
  layouts: { 1: 'Una imagen', 2: 'Dos imágenes', 4: 'Cuatro imágenes' },
  compare: (year) => `Comparar con ${year}`,
  withPrior: 'Estudio anterior al lado',
  noPrior: 'Aquí no hay otro estudio de la misma parte del cuerpo.',
  link: 'Mover juntas',
  linked: 'Las imágenes se mueven juntas.',
  unlinked: 'Cada imagen se mueve sola.',
  linkNeedsTwo: 'Para mover juntas hacen falta dos imágenes. Elija primero una disposición.',
  scouts: 'Líneas de referencia',
  scoutsOn: 'Las líneas muestran dónde la imagen activa cruza a las demás. Pulse un punto, o la tecla Intro, para verlo en todas.',
  scoutsNeedTwo: 'Las líneas de referencia están activas. Necesitan dos imágenes: elija una disposición.',

  // Planes
  planesTool: 'Tres planos (MPR)',
  planeNames: ['Axial', 'Coronal', 'Sagital'],
  closePlanes: 'Volver a las imágenes',
  thickest: 'Lo más brillante de (MIP)',
  thickness: (millimetres) => (millimetres ? `${millimetres} mm` : 'un corte'),
  planesNeedDesk: 'Los tres planos necesitan un ordenador con pantalla grande.',
  planesNeedStack: 'Los tres planos necesitan un grupo de al menos 5 cortes grises, iguales y a la misma distancia.',
  planesTooMany: (most) => `Los tres planos funcionan con ${most} cortes como máximo. Este grupo tiene más.`,
  planesNeedMemory: 'Este grupo es demasiado grande para la memoria de este ordenador. No se abrieron los tres planos.',
  planesFailed: 'Este ordenador no puede dibujar tres planos.',
  planesGathering: (ready, of) => `Trayendo todas las imágenes para los planos: ${ready} de ${of}`,
  notOnPlanes: 'Esto funciona con las imágenes mismas. Vuelva primero a las imágenes.',

  // Toolbar
  tools: 'Herramientas de imagen',
  play: 'Mover',
  pause: 'Pausa',
  zoomIn: 'Más grande',
  zoomOut: 'Más pequeña',
  light: 'Luz',
  groups: 'Grupos',
  startOver: 'Empezar de nuevo',
  save: 'Guardar imagen',
  whatIsThis: '¿Qué es esto?',
  fullScreen: 'Pantalla completa',
  report: 'Informe',
  more: 'Más',
  fit: 'Ajustar',
  oneToOne: '1:1',
  presets: 'Ventana',
  invert: 'Invertir',
  rotate: 'Girar',
  flipH: 'Espejo H',
  flipV: 'Espejo V',
  length: 'Longitud',
  angle: 'Ángulo',
  area: 'Área',
  arrow: 'Flecha',
  remove: 'Borrar',
  corners: 'Texto',
  tags: 'Etiquetas',
  keys: 'Teclas',

  // Light and windows
  lighterDarker: 'Más oscura o más clara',
  darker: 'Más oscura',
  lighter: 'Más clara',
  looks: 'Aspectos',
  close: 'Cerrar',
  ctLooks: { bones: 'Huesos', lungs: 'Pulmones', soft: 'Partes blandas' },
  otherLooks: { normal: 'Normal', brighter: 'Más clara', contrast: 'Más contraste' },
  windows: {
    soft: 'Partes blandas', lung: 'Pulmón', bone: 'Hueso', brain: 'Cerebro', stroke: 'Ictus', abdomen: 'Abdomen', mediastinum: 'Mediastino',
    file: 'Del archivo', auto: 'Automática',
  },
  windowSentence: (center, width) => `W ${Math.round(width)} L ${Math.round(center)}`,
  windowKeys: 'Ahora las flechas cambian la ventana. W o Esc lo termina.',
  simpleLight: 'Vista sencilla: solo cambia el brillo.',

  // Playing
  speed: 'Velocidad',
  slow: 'Lenta',
  normal: 'Normal',
  fast: 'Rápida',
  framesPerSecond: 'Imágenes por segundo',
  loop: 'En círculo',
  sweep: 'Ida y vuelta',
  waitingForPictures: 'Esperando imágenes …',

  // Measuring
  measuring: {
    Length: 'Longitud: pulse y arrastre, o haga dos clics. Intro pone una línea que se mueve con las flechas.',
    Angle: 'Ángulo: haga clic en los tres puntos, o pulse y arrastre. Intro pone uno que se mueve con las flechas.',
    ArrowAnnotate: 'Flecha: pulse y arrastre desde el punto hacia fuera. Intro pone una que se mueve con las flechas.',
    EllipticalROI: 'Área: pulse y arrastre. Intro pone un círculo que se mueve con las flechas.',
  },
  measured: (what) => `Medida: ${what}`,
  notMeasurable: 'Esta imagen es una vista sencilla y no se puede medir.',
  noMeasurement: 'No hay ninguna medida que borrar.',
  removed: 'Medida borrada.',
  placing: 'Las flechas mueven este extremo. Mayúsculas y flechas mueven todo. Tab pasa al otro extremo. Intro termina.',
  noSpacing: 'No se conoce el tamaño de esta imagen: las longitudes van en puntos de imagen (px).',

  noteTitle: 'Palabras junto a la flecha',
  noteLabel: '¿Qué quiere señalar? Las palabras quedan solo en esta pantalla.',
  noteDone: 'Listo',

  // First hints, W3
  hintsTitle: 'Tres consejos',
  hints: [
    'Deslice hacia arriba y hacia abajo para pasar las imágenes.',
    'Separe dos dedos para ver más grande.',
    'El gris es normal. Los colores no significan bueno ni malo.',
  ],
  mouseHints: [
    'Gire la rueda del ratón para pasar las imágenes.',
    'Pulse + y − para ver más grande o más pequeño.',
    'El gris es normal. Los colores no significan bueno ni malo.',
  ],
  gotIt: 'Entendido',

  // What am I looking at, W5
  lookingTitle: '¿Qué estoy viendo?',
  lookingAt: [
    'R es su lado derecho. Se le ve de frente o desde los pies, por eso izquierda y derecha están cambiadas.',
    'L es izquierda, A es delante, P es detrás, H es hacia la cabeza, F es hacia los pies.',
  ],
  lookingWithout: 'Esta imagen no dice qué lado es cuál. Pregunte a su médico.',

  // Report beside
  reportTitle: 'Informe',
  reportLoading: 'Trayendo el informe …',
  reportFailed: 'No podemos abrir este informe aquí.',
  reportOpen: 'Abrir la página del informe',
  noReport: 'Este estudio no tiene informe aquí.',
  goToPicture: (series, image) => `Mostrar la serie ${series}, imagen ${image}`,
  noSuchPicture: (series, image) => `La serie ${series} no tiene la imagen ${image} aquí.`,
  reportWidth: 'Ancho del informe',

  // Tags
  tagsTitle: 'Etiquetas DICOM de esta imagen',
  tagSearch: 'Buscar etiquetas',
  tagHeads: ['Etiqueta', 'Nombre', 'Tipo', 'Valor'],
  tagCount: (shown, all) => `${shown} de ${all} etiquetas`,
  binary: (size) => `${size}, no se muestra`,
  items: (count) => `${count} ${count === 1 ? 'elemento' : 'elementos'}`,
  privateTag: 'Privada',

  // Keys
  keysTitle: 'Teclas',
  keysOn: 'Las teclas de una letra están activas',
  keysNote: 'Las teclas funcionan mientras la imagen está seleccionada.',
  keyNames: [
    ['↑ ↓', 'Imagen anterior, imagen siguiente'],
    ['Re Pág, Av Pág', 'Diez imágenes más'],
    ['Inicio, Fin', 'Primera, última imagen'],
    ['Espacio', 'Mover o pausa'],
    [', .', 'Más lento, más rápido'],
    ['+ −', 'Más grande, más pequeña'],
    ['0', 'Ajustar'],
    ['Mayúsculas y flechas', 'Desplazar'],
    ['W y luego flechas', 'Más clara, más oscura, más o menos contraste'],
    ['Alt y 1 a 9', 'Aspectos y ventanas'],
    ['[ ]', 'Grupo anterior, grupo siguiente'],
    ['Mayúsculas y R, o Esc dos veces', 'Empezar de nuevo'],
    ['F', 'Pantalla completa'],
    ['S', 'Guardar esta imagen'],
    ['Q', 'Informe'],
    ['K', 'Solo las imágenes marcadas, o todas'],
    ['P', 'Estudio anterior al lado'],
  ],
  clinicianKeyNames: [
    ['1', 'Un punto de imagen por punto de pantalla'],
    ['I', 'Invertir'],
    ['R, H, V', 'Girar, espejo izquierda–derecha, espejo arriba–abajo'],
    ['L, A, E, T', 'Longitud, ángulo, área, flecha'],
    ['Supr', 'Borrar la última medida'],
    ['Ctrl y 1, 2 o 4', 'Una, dos o cuatro imágenes'],
    ['X', 'Mover juntas'],
    ['C', 'Líneas de referencia'],
    ['M', 'Tres planos'],
    ['O', 'Texto en las esquinas'],
    ['D', 'Etiquetas DICOM'],
    ['?', 'Esta lista'],
  ],

  saved: 'La imagen está guardada.',
  saveFailed: 'No podemos guardar esta imagen. Inténtelo de nuevo.',
  saveForms: { jpg: 'Imagen (JPEG)', png: 'Imagen (PNG)', dcm: 'Archivo DICOM' },
  saveNote: 'JPEG y PNG no llevan el nombre, salvo que esté dibujado en la imagen. El archivo DICOM contiene el nombre y la fecha de nacimiento.',
  fileName: (number, ending) => `imagen-${number}.${ending}`,

  // Corners
  born: (date) => `nació el ${date}`,
  seriesCorner: (number, description) => `S${number} ${description}`,
  imageCorner: (number, of) => `I ${number}/${of}`,
  sliceCorner: (position) => `Posición ${position} mm`,
  thickCorner: (thickness) => `Grosor ${thickness} mm`,
  zoomCorner: (percent) => `Zoom ${percent}%`,
  lossyCorner: 'CON PÉRDIDA',
  day: (day, month, year) => `${day} de ${month} de ${year}`,
  months: ['enero', 'febrero', 'marzo', 'abril', 'mayo', 'junio', 'julio', 'agosto', 'septiembre', 'octubre', 'noviembre', 'diciembre'],
};
